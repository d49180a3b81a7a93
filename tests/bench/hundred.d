#!/usr/sbin/dtpy -s
/*
 * A hundred lines of D that name no kernel type: what the front end is measured with.
 */

#pragma D option quiet
#pragma D option dynvarsize=4m
#pragma D option defaultargs

inline int MOST = 20;
inline string NAME = $$1;

self uint64_t began;
uint64_t calls[string, pid_t];
uint64_t worst;
pid_t worst_pid;

dtrace:::BEGIN
{
	start = timestamp;
	total = 0;
	printf("%-20s %8s %s\n", "TIME", "PID", "COMMAND");
}

syscall:::entry
/NAME == "" || execname == NAME/
{
	self->began = timestamp;
	self->what = probefunc;
	calls[execname, pid]++;
	total += 1;
}

syscall:::return
/self->began && errno != 0/
{
	@failed[execname, probefunc, errno] = count();
	failures++;
}

syscall:::return
/self->began/
{
	this->took = timestamp - self->began;
	this->micro = this->took / 1000;
	this->slow = this->micro > 1000 ? "slow" : this->micro > 100 ? "middling" : "quick";
	@times[probefunc] = quantize(this->micro);
	@average[execname, this->slow] = avg(this->micro);
	@longest[execname] = max(this->micro);
	@spread[probefunc] = lquantize(this->micro, 0, 1000, 50);
	@busy[cpu] = sum(this->took);
}

syscall:::return
/self->began && this->took > 10000000/
{
	printf("%-20d %8d %s: %s took %d ms\n", walltimestamp, pid, execname, self->what, this->took / 1000000);
	worst = this->took > worst ? this->took : worst;
	worst_pid = worst == this->took ? pid : worst_pid;
	worst_name = strjoin(execname, strjoin(":", probefunc));
}

syscall:::return
/self->began/
{
	self->began = 0;
	self->what = 0;
}

syscall::read:entry, syscall::write:entry, syscall::pread64:entry, syscall::pwrite64:entry
/arg2 > 0 && (arg0 & 0xff) < 100/
{
	self->size = arg2;
	@sizes[probefunc, execname] = quantize(arg2);
	@bytes[execname] = sum(arg2);
}

syscall::open:entry, syscall::openat:entry
{
	this->path = copyinstr(probefunc == "open" ? arg0 : arg1);
	@paths[this->path] = count();
	opened[this->path] = timestamp;
}

profile-97
/arg0 != 0/
{
	@stacks[stack(5)] = count();
}

tick-1s
{
	seconds++;
	printf("%d calls in %d seconds, %d failed\n", total, seconds, failures);
	trunc(@failed, MOST);
	clear(@busy);
}

dtrace:::END
{
	normalize(@busy, 1000000);
	printa("%-20s %-16s %@u\n", @average);
	printf("worst: %s (%d) %d us\n", worst_name, worst_pid, worst / 1000);
}
