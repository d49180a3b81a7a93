/* SPDX-License-Identifier: (GPL-2.0 OR BSD-2-Clause) */
/* bcc brings its own bpf.h; this one only has to be found. */
#pragma once
#include <linux/types.h>
