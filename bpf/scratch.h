/* SPDX-License-Identifier: (GPL-2.0 OR BSD-2-Clause) */
/*
 * Scratch: memory of a clause's own, from alloca() and copyin() (contract R39, V11). It is part of the frame, and every clause
 * begins with all of it free.
 *
 * Needs from the program: SCRATCH_BYTES, a multiple of 8 and not 0.
 */
#pragma once

struct scratch {
    u64 address; /* of the first byte, as a number: it is an ordinary D pointer */
    u64 used; /* bytes, up to the end of what was allocated last */
    u64 from, to, left; /* of what is copied out: from here they are any numbers to the verifier, and all rounds alike */
    char bytes[SCRATCH_BYTES];
    char passing[SCRATCH_BYTES]; /* what is on its way; and room that the verifier wants to see behind the other */
};
