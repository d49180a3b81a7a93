/* What can fault, and ERROR to hear of it. */
syscall::read:entry
/arg2 % arg0 == 0/
{
	printf("%d %s", *(int *)arg1, probefunc);
}

ERROR
{
	trace(arg4);
	exit(1);
}
