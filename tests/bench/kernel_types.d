/* The same in short, with kernel types: BTF has to be read. */

fbt::vfs_read:entry
/args[0]->f_inode->i_size > 0/
{
	this->task = (struct task_struct *)curthread;
	@[stringof(args[0]->f_path.dentry->d_name.name), this->task->pid] = sum(args[0]->f_inode->i_size);
	trace(curthread->mm->pgd);
	trace(sizeof (struct request_queue) + offsetof(struct sock, sk_protocol));
}
