#!/usr/bin/env -S dtpy -s
/* How long the file system's entry points take, in nanoseconds. */

#pragma D option quiet

BEGIN
{
	printf("Timing vfs_*; Ctrl-C ends.\n");
}

fbt::vfs_read:entry,
fbt::vfs_write:entry,
fbt::vfs_open:entry,
fbt::vfs_fsync:entry
{
	self->began = timestamp;
}

fbt::vfs_read:return,
fbt::vfs_write:return,
fbt::vfs_open:return,
fbt::vfs_fsync:return
/self->began/
{
	@time[probefunc] = quantize(timestamp - self->began);
	@mean[probefunc] = avg(timestamp - self->began);
	self->began = 0;
}

END
{
	printa(@time);
	printa("%-16s mean %@d ns\n", @mean);
}
