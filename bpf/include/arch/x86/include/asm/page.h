/* SPDX-License-Identifier: (GPL-2.0 OR BSD-2-Clause) */
/* Included by bcc, not used. */
#pragma once
