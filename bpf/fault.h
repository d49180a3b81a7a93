/* SPDX-License-Identifier: (GPL-2.0 OR BSD-2-Clause) */
/*
 * Faults: a bad address or a division by zero ends the clause, drops its record and tells the consumer (contract F20).
 *
 * A clause function has a pointer named fault to the frame's, and a label of that name.
 */
#pragma once

#define FAULT_BADADDR 1
#define FAULT_ILLOP 3
#define FAULT_DIVZERO 4
#define FAULT_NOSCRATCH 5
#define FAULT_BADSIZE 10
#define FAULT_BADINDEX 11

struct fault_record {
    u64 header;
    u32 action;
    u32 code;
    u64 value;
};

#define FAULT(code_, value_) \
    do { \
        fault->code = (code_); \
        fault->value = (value_); \
        goto fault; \
    } while (0)

/* Read kernel memory into a variable. By way of one that lives no longer than this: all share one place on the stack. */
#define LOAD(to, address) \
    do { \
        u64 address_ = (address); \
        typeof(to) value_; \
        if (bpf_probe_read_kernel(&value_, sizeof(value_), (void *)address_)) \
            FAULT(FAULT_BADADDR, address_); \
        (to) = value_; \
    } while (0)

/* The length of a string in kernel memory, at most `limit`. `scratch` has room for one byte more. */
#define LOAD_LENGTH(length, scratch, limit, address) \
    do { \
        u64 address_ = (address); \
        (length) = bpf_probe_read_kernel_str(scratch, (limit) + 1, (void *)address_) - 1; \
        if ((length) < 0) \
            FAULT(FAULT_BADADDR, address_); \
    } while (0)

/* Read a string of less than `limit` bytes from kernel memory into a buffer of `size`, zero to its end. */
#define LOAD_STRING(to, size, limit, address) \
    do { \
        u64 address_ = (address); \
        string_clear(to, size); \
        if (bpf_probe_read_kernel_str(to, limit, (void *)address_) < 0) \
            FAULT(FAULT_BADADDR, address_); \
    } while (0)

/* Read so many bytes of kernel memory. */
#define LOAD_MEMORY(to, size, address) \
    do { \
        u64 address_ = (address); \
        if (bpf_probe_read_kernel(to, size, (void *)address_)) \
            FAULT(FAULT_BADADDR, address_); \
    } while (0)

/* The same of the current process's memory (contract D10). */
#define LOAD_USER(to, address) \
    do { \
        u64 address_ = (address); \
        typeof(to) value_; \
        if (bpf_probe_read_user(&value_, sizeof(value_), (void *)address_)) \
            FAULT(FAULT_BADADDR, address_); \
        (to) = value_; \
    } while (0)

#define LOAD_USER_STRING(to, size, limit, address) \
    do { \
        u64 address_ = (address); \
        string_clear(to, size); \
        if (bpf_probe_read_user_str(to, limit, (void *)address_) < 0) \
            FAULT(FAULT_BADADDR, address_); \
    } while (0)

#define LOAD_USER_MEMORY(to, size, address) \
    do { \
        u64 address_ = (address); \
        if (bpf_probe_read_user(to, size, (void *)address_)) \
            FAULT(FAULT_BADADDR, address_); \
    } while (0)

/* An index that has passed is used as it is, where the verifier has seen it compared. */
#define CHECK_INDEX(index, count) \
    do { \
        HIDE(index); \
        if ((index) >= (count)) \
            FAULT(FAULT_BADINDEX, index); \
    } while (0)

#define CHECK(condition, code, value) \
    do { \
        if (!(condition)) \
            FAULT(FAULT_##code, value); \
    } while (0)

#define CHECK_DIVISOR(divisor) \
    do { \
        if ((divisor) == 0) \
            FAULT(FAULT_DIVZERO, 0); \
    } while (0)

/* Subroutines take no NULL for a string (contract S3). */
#define CHECK_STRING(is_null) \
    do { \
        if (is_null) \
            FAULT(FAULT_BADADDR, 0); \
    } while (0)

/* The result of a string has to fit (contract R30). */
#define CHECK_ROOM(fits) \
    do { \
        if (!(fits)) \
            FAULT(FAULT_NOSCRATCH, 0); \
    } while (0)

/* The end of a clause that faulted: its record, if it has one, becomes nothing, and the fault gets one of its own. */
SHARED u32 fault_report(struct firing *f, void *record, u32 enabling, struct fault *fault)
{
    f->frame->counts.faulted++;
    if (record)
        ring_publish(f->ring, record, RECORD_HEADER(f, enabling) | RECORD_DISCARDED);
    struct fault_record *report = record_room(f, sizeof(*report));
    if (!report)
        return 0;
    report->action = fault->action;
    report->code = fault->code;
    report->value = fault->value;
    ring_publish(f->ring, &report->header, RECORD_HEADER(f, enabling) | RECORD_FAULT);
    return 0;
}

/* A fault in an ERROR clause is only counted (contract F22). */
SHARED u32 fault_in_error(struct firing *f, void *record, u32 enabling)
{
    f->frame->counts.faulted++;
    f->frame->counts.error_faults++;
    if (record)
        ring_publish(f->ring, record, RECORD_HEADER(f, enabling) | RECORD_DISCARDED);
    return 0;
}
