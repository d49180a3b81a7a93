#!/usr/bin/env -S dtpy -s
/* Processes as they start and end, with how long they lived. */

#pragma D option quiet

BEGIN
{
	printf("%-20s %7s %7s %-16s %s\n", "TIME", "PID", "PARENT", "PROCESS", "LIVED");
}

syscall::execve:return
/arg1 == 0/
{
	born[pid] = timestamp;
	printf("%-20Y %7d %7d %-16s\n", walltimestamp, pid, ppid, execname);
}

syscall::exit_group:entry
/born[pid]/
{
	printf("%-20Y %7d %7d %-16s %d ms\n", walltimestamp, pid, ppid, execname, (timestamp - born[pid]) / 1000000);
	born[pid] = 0;
}
