/* SPDX-License-Identifier: (GPL-2.0 OR BSD-2-Clause) */
/* Open files of the current process. Needs the offsets TASK_FILES, FILES_TABLE, TABLE_SIZE, TABLE_FILES. */
#pragma once

/* The struct file of a descriptor; 0 if there is none. What cannot be read is 0, and then so is the result. */
SUBPROGRAM u64 file_of(u64 descriptor)
{
    u64 files = 0, table = 0, list = 0, file = 0;
    u32 size = 0;

    bpf_probe_read_kernel(&files, sizeof(files), (void *)(bpf_get_current_task() + TASK_FILES));
    bpf_probe_read_kernel(&table, sizeof(table), (void *)(files + FILES_TABLE));
    bpf_probe_read_kernel(&size, sizeof(size), (void *)(table + TABLE_SIZE));
    if (descriptor >= size)
        return 0;
    bpf_probe_read_kernel(&list, sizeof(list), (void *)(table + TABLE_FILES));
    bpf_probe_read_kernel(&file, sizeof(file), (void *)(list + 8 * descriptor));
    return file;
}
