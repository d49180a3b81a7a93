/* Without links, very many entries and returns: both come through ftrace's graph tracer. */
fbt:::entry
{
	self->file = arg0;
}

fbt:::return
/self->file/
{
	trace(arg1);
	self->file = 0;
}
