/* Where the kernel has no links to functions: a program for entry and one for return, each at kprobes. */
fbt::vfs_read:entry
{
	self->size = arg2;
}

fbt::vfs_read:return,
fbt::vfs_write:return
{
	trace(arg0);
	trace(self->size);
	trace(arg1);
}
