#!/usr/bin/env -S dtpy -s
/*
 * Every function that the kernel calls for one read() of a process, indented by depth, with the time since the call began:
 * flow.d 1234
 */

#pragma D option flowindent
#pragma D option quiet

int done;

syscall::read:entry
/pid == $1 && !done/
{
	self->began = timestamp;
}

fbt:::
/self->began && !done/
{
	printf("%d us\n", (timestamp - self->began) / 1000);
}

syscall::read:return
/self->began/
{
	done = 1;
	printf("%d us\n", (timestamp - self->began) / 1000);
	self->began = 0;
	exit(0);
}
