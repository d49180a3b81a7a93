#!/usr/bin/env -S dtpy -s
/* Who is on the CPUs, in user mode and in the kernel, second by second. */

#pragma D option quiet

profile-97
{
	@[execname, arg0 ? "kernel" : "user"] = count();
}

tick-1s
{
	printf("%Y\n", walltimestamp);
	trunc(@, 8);
	printa("  %-16s %-8s %@6d\n", @);
	trunc(@);
}
