#!/usr/bin/env -S dtpy -s
/* Which process makes which system call, and how often. */

#pragma D option quiet

BEGIN
{
	printf("Counting system calls; Ctrl-C ends.\n");
}

syscall:::entry
{
	@calls[execname, probefunc] = count();
}

END
{
	trunc(@calls, 20);
	printf("%-16s %-24s %10s\n", "PROCESS", "CALL", "COUNT");
	printa("%-16s %-24s %@10d\n", @calls);
}
