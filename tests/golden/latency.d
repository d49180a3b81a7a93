/* The time that a function takes, by process: thread-local variable, predicate, distribution with a string key. */
fbt::vfs_read:entry
{
	self->began = timestamp;
}

fbt::vfs_read:return
/self->began/
{
	@[execname] = quantize(timestamp - self->began);
	self->began = 0;
}
