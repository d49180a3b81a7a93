#!/usr/bin/env -S dtpy -s
/* Files that are opened, or are not there to be opened. Give a process id to see only its own: opens.d 1234 */

#pragma D option quiet
#pragma D option defaultargs

BEGIN
{
	printf("%-16s %7s %5s  %s\n", "PROCESS", "PID", "ERRNO", "FILE");
}

syscall::open:entry
/$1 == 0 || pid == $1/
{
	self->path = arg0;
}

syscall::openat:entry
/$1 == 0 || pid == $1/
{
	self->path = arg1;
}

/* Behind the call the name is in memory for sure. */
syscall::open:return,
syscall::openat:return
/self->path/
{
	printf("%-16s %7d %5d  %s\n", execname, pid, errno, copyinstr(self->path));
	self->path = 0;
}
