#!/usr/bin/env -S dtpy -s
/* The calls of a process that fail, with their arguments, which only the beginning of a call knows: why.d 1234 */

#pragma D option quiet
#pragma D option nspec=64

syscall:::entry
/pid == $1/
{
	self->call = speculation();
	speculate(self->call);
	printf("%s(0x%x, 0x%x, 0x%x)", probefunc, arg0, arg1, arg2);
}

syscall:::return
/self->call && errno/
{
	speculate(self->call);
	printf(" failed: %d", errno);
	ustack(4);
}

syscall:::return
/self->call && errno/
{
	commit(self->call);
	self->call = 0;
}

syscall:::return
/self->call/
{
	discard(self->call);
	self->call = 0;
}
