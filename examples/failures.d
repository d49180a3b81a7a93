#!/usr/bin/env -S dtpy -s
/* System calls that fail, as they fail. Give a process id to see only its own: failures.d 1234 */

#pragma D option quiet
#pragma D option defaultargs

BEGIN
{
	printf("%-20s %-16s %7s %-20s %5s\n", "TIME", "PROCESS", "PID", "CALL", "ERRNO");
}

syscall:::return
/errno != 0 && ($1 == 0 || pid == $1)/
{
	printf("%-20Y %-16s %7d %-20s %5d\n", walltimestamp, execname, pid, probefunc, errno);
}
