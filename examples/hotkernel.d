#!/usr/bin/env -S dtpy -s
/* Where the kernel spends its time: the functions, then the stacks that a profile meets most often. */

#pragma D option quiet

BEGIN
{
	printf("Sampling the kernel at 199 hz; Ctrl-C ends.\n");
}

profile-199
/arg0/
{
	@functions[func(arg0)] = count();
	@stacks[stack(8)] = count();
}

END
{
	trunc(@functions, 10);
	trunc(@stacks, 3);
	printa(@functions);
	printa(@stacks);
}
