/* Globals, clause-locals, associative arrays with string keys, a ternary, short circuits. */
int total;
string last;

BEGIN
{
	total = 3;
	last = "none";
}

syscall::openat:entry
/total > 0 && last != execname/
{
	this->size = total++ * 2;
	seen[execname, pid] = this->size;
	last = total > 5 ? execname : "few";
	trace(seen[execname, pid]);
}

tick-1s
{
	total -= 1;
}
