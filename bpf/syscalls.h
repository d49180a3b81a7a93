/* SPDX-License-Identifier: (GPL-2.0 OR BSD-2-Clause) */
/* The sites of system calls, by their number. */
#pragma once

BPF_F_TABLE("array", u32, struct site, syscall_sites, SYSCALLS, BPF_F_MMAPABLE);
