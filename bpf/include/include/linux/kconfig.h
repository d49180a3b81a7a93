/* SPDX-License-Identifier: (GPL-2.0 OR BSD-2-Clause) */
/* What bcc includes first. It refuses to work unless the kernel it was built for can do BPF. */
#pragma once
#define CONFIG_BPF_SYSCALL 1
