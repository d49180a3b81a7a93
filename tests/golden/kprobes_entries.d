/* Without links, and with more functions than are worth a kprobe each: entries come through ftrace's function tracer. */
fbt:::entry
{
	self->size = arg2;
	trace(arg7);
	stack();
}

fbt::vfs_read:return
{
	trace(self->size);
}
