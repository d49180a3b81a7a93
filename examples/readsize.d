#!/usr/bin/env -S dtpy -s
/* How much each process asks read() for, and how much it gets: many small reads are a cost that shows nowhere else. */

#pragma D option quiet

BEGIN
{
	printf("Measuring reads; Ctrl-C ends.\n");
}

fbt::vfs_read:entry
{
	self->asked = arg2;
}

fbt::vfs_read:return
/self->asked && (long)arg1 >= 0/
{
	@got[execname] = quantize(arg1);
	@unused[execname] = sum(self->asked - arg1);
	self->asked = 0;
}

END
{
	printa("\n%s gets, in bytes:%@d", @got);
	printf("\nRoom offered and not filled, in bytes:\n");
	printa("  %-16s %@12d\n", @unused);
}
