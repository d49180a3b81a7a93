/* Processes and threads: psinfo_t and lwpsinfo_t, from the kernel's struct task_struct. */

inline int PR_MODEL_ILP32 = 1;
inline int PR_MODEL_LP64 = 2;

inline int PR_STOPPED = 0x00000001;
inline int PR_ISTOP = 0x00000002;
inline int PR_DSTOP = 0x00000004;
inline int PR_IDLE = 0x10000000;

inline char SSLEEP = 1;
inline char SRUN = 2;
inline char SZOMB = 3;
inline char SSTOP = 4;
inline char SIDL = 5;
inline char SONPROC = 6;
inline char SWAIT = 7;

typedef struct timestruc {
	time_t tv_sec;
	long tv_nsec;
} timestruc_t;

typedef int taskid_t;
typedef int projid_t;
typedef int poolid_t;
typedef int zoneid_t;
typedef int ctid_t;

typedef struct lwpsinfo {
	int pr_flag;
	int pr_lwpid;
	uintptr_t pr_addr;
	uintptr_t pr_wchan;
	char pr_stype;
	char pr_state;
	char pr_sname;
	char pr_nice;
	short pr_syscall;
	char pr_oldpri;
	char pr_cpu;
	int pr_pri;
	ushort_t pr_pctcpu;
	timestruc_t pr_start;
	timestruc_t pr_time;
	char pr_clname[8];
	char pr_name[16];
	processorid_t pr_onpro;
	processorid_t pr_bindpro;
	psetid_t pr_bindpset;
	lgrp_id_t pr_lgrp;
} lwpsinfo_t;

typedef struct psinfo {
	int pr_flag;
	int pr_nlwp;
	pid_t pr_pid;
	pid_t pr_ppid;
	pid_t pr_pgid;
	pid_t pr_sid;
	uid_t pr_uid;
	uid_t pr_euid;
	gid_t pr_gid;
	gid_t pr_egid;
	uintptr_t pr_addr;
	size_t pr_size;
	size_t pr_rssize;
	dev_t pr_ttydev;
	ushort_t pr_pctcpu;
	ushort_t pr_pctmem;
	timestruc_t pr_start;
	timestruc_t pr_time;
	timestruc_t pr_ctime;
	char pr_fname[16];
	char pr_psargs[80];
	int pr_wstat;
	int pr_argc;
	uintptr_t pr_argv;
	uintptr_t pr_envp;
	char pr_dmodel;
	taskid_t pr_taskid;
	projid_t pr_projid;
	int pr_nzomb;
	poolid_t pr_poolid;
	zoneid_t pr_zoneid;
	ctid_t pr_contract;
	lwpsinfo_t pr_lwp;
} psinfo_t;

/*
 * __state and exit_state hold the kernel's TASK_* bits (linux/sched.h): 1 and 2 asleep, 4 stopped, 8 traced, 0x10 and
 * 0x20 ended. A thread's registers in user mode lie at the end of its stack, which is 16 KB long on x86-64.
 */
translator lwpsinfo_t < struct task_struct *T > {
	pr_flag = (T->__state & 0xc) != 0 ? PR_STOPPED : 0;
	pr_lwpid = T->pid;
	pr_addr = (uintptr_t)T;
	pr_wchan = 0;
	pr_stype = 0;
	pr_state = (T->exit_state & 0x30) != 0 ? SZOMB :
	    (T->__state & 0xc) != 0 ? SSTOP :
	    (T->__state & 3) != 0 ? SSLEEP : SRUN;
	pr_sname = (T->exit_state & 0x30) != 0 ? 'Z' :
	    (T->__state & 0xc) != 0 ? 'T' :
	    (T->__state & 3) != 0 ? 'S' : 'R';
	pr_syscall = ((struct pt_regs *)((uintptr_t)T->stack + 16384) - 1)->orig_ax;
	pr_pri = T->prio;
	pr_name = T->comm;
	pr_onpro = T->thread_info.cpu;
};

/*
 * The command line is read from the process's own memory, so it is right for the current process only; its arguments end
 * in NULs there. A terminal's device number is its driver's, and bit 29 of the flags marks a process of 32 bits.
 */
translator psinfo_t < struct task_struct *T > {
	pr_flag = 0;
	pr_nlwp = T->signal->nr_threads;
	pr_pid = T->tgid;
	pr_ppid = T->real_parent->tgid;
	pr_pgid = T->signal->pids[PIDTYPE_PGID]->numbers[0].nr;
	pr_sid = T->signal->pids[PIDTYPE_SID]->numbers[0].nr;
	pr_uid = T->cred->uid.val;
	pr_euid = T->cred->euid.val;
	pr_gid = T->cred->gid.val;
	pr_egid = T->cred->egid.val;
	pr_addr = (uintptr_t)T;
	pr_ttydev = T->signal->tty == NULL ? -1 :
	    (T->signal->tty->driver->major << 20) + T->signal->tty->driver->minor_start + T->signal->tty->index;
	pr_fname = T->comm;
	pr_psargs = T->mm == NULL ? stringof(T->comm) :
	    T->mm->arg_end - T->mm->arg_start < 80 ?
	    memstr(copyin(T->mm->arg_start, T->mm->arg_end - T->mm->arg_start), ' ', T->mm->arg_end - T->mm->arg_start) :
	    memstr(copyin(T->mm->arg_start, 80), ' ', 80);
	pr_wstat = 0;
	pr_argv = T->mm == NULL ? 0 : T->mm->arg_start;
	pr_envp = T->mm == NULL ? 0 : T->mm->env_start;
	pr_dmodel = (T->thread_info.flags & (1 << 29)) != 0 ? PR_MODEL_ILP32 : PR_MODEL_LP64;
	pr_taskid = 0;
	pr_projid = 0;
	pr_nzomb = 0;
	pr_poolid = 0;
	pr_zoneid = 0;
	pr_contract = 0;
	pr_lwp = xlate <lwpsinfo_t> (T);
};
