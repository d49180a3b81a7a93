/* args[] is of one type at one probe and of another at the next: the clause becomes code twice. The second needs to but once. */
syscall:::entry
/ args[0] > 5 /
{
	trace(args[0]);
}

syscall:::entry
{
	printf("%p", args[1]);
}
