/* SPDX-License-Identifier: (GPL-2.0 OR BSD-2-Clause) */
/* Included by bcc's bpf.h, not used. */
#pragma once
