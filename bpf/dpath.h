/* SPDX-License-Identifier: (GPL-2.0 OR BSD-2-Clause) */
/*
 * The path of a kernel `struct path`, as the current process sees it: d_path(), cwd, root (contract R9, B10).
 *
 * Goes from the last name to the first, and puts each in front of what there is. Needs the offsets PATH_MOUNT, PATH_DENTRY,
 * DENTRY_NAME, DENTRY_LENGTH, DENTRY_PARENT, DENTRY_HASH, MOUNT_POINT, MOUNT_PARENT, MOUNT_ROOT (these of struct mount, as is
 * MOUNT_INSIDE, where its struct vfsmount is), TASK_FS and FS_ROOT.
 */
#pragma once

#define PATH_MOST 4096
#define NAME_MOST 255
/* Names, and mounts that are crossed. */
#define PATH_STEPS 2048

#define READ(to, address) bpf_probe_read_kernel(&(to), sizeof(to), (void *)(address))

/* In the frame: what is loaded from there is any number to the verifier, and so all rounds are alike to it. */
struct path_walk {
    u64 at; /* where in the text the path begins so far */
    u64 dentry, mount;
    u64 root_dentry, root_mount;
    char text[PATH_MOST + NAME_MOST + 1];
};

struct path_context {
    struct path_walk *walk;
};

CALLBACK long path_step(u64 round, struct path_context *context)
{
    struct path_walk *walk = context->walk;
    u64 root = 0, parent = 0, name = 0, at;
    u32 length = 0;

    if (walk->dentry == walk->root_dentry && walk->mount == walk->root_mount)
        return 1;
    READ(root, walk->mount + MOUNT_ROOT);
    if (walk->dentry == root) {
        READ(parent, walk->mount + MOUNT_PARENT);
        if (!parent || parent == walk->mount)
            return 1;
        READ(walk->dentry, walk->mount + MOUNT_POINT);
        walk->mount = parent;
        return 0;
    }
    READ(parent, walk->dentry + DENTRY_PARENT);
    if (!parent || parent == walk->dentry)
        return 1;
    READ(length, walk->dentry + DENTRY_LENGTH);
    READ(name, walk->dentry + DENTRY_NAME);
    length &= NAME_MOST;
    at = walk->at - length - 1;
    HIDE(at);
    if (at >= PATH_MOST)
        return 1;
    walk->text[at] = '/';
    HIDE(length);
    length &= NAME_MOST;
    bpf_probe_read_kernel(walk->text + at + 1, length, (void *)name);
    walk->at = at;
    walk->dentry = parent;
    return 0;
}

/*
 * Write the path to `to`, a string of the frame; one that does not begin at the process's root directory, if `whole`.
 * Returns less than 0 if the kernel cannot read what is at `path`.
 */
SUBPROGRAM long path_read(struct firing *f, char *to, u64 path, u64 whole)
{
    struct path_walk *walk = (void *)f->frame->temporaries.path;
    struct path_context context = {walk};
    u64 fs = 0, hash = 0, parent = 0, root = 0, at;

    if (READ(walk->mount, path + PATH_MOUNT) || READ(walk->dentry, path + PATH_DENTRY))
        return -1;
    walk->mount -= MOUNT_INSIDE;
    walk->root_dentry = walk->root_mount = 0;
    if (!whole) {
        READ(fs, bpf_get_current_task() + TASK_FS);
        READ(walk->root_mount, fs + FS_ROOT + PATH_MOUNT);
        READ(walk->root_dentry, fs + FS_ROOT + PATH_DENTRY);
        walk->root_mount -= MOUNT_INSIDE;
    }
    READ(hash, walk->dentry + DENTRY_HASH);
    READ(parent, walk->dentry + DENTRY_PARENT);
    READ(root, walk->mount + MOUNT_ROOT);
    if (parent == walk->dentry && root != walk->dentry) { /* a pipe, a socket: it is in no directory */
        __builtin_memcpy(walk->text, "<unknown>", 10);
        return bpf_probe_read_kernel_str(to, STRSIZE, walk->text);
    }
    walk->at = PATH_MOST - 1;
    walk->text[PATH_MOST - 1] = 0;
    if (!hash && parent != walk->dentry) {
        walk->at = PATH_MOST - 11;
        __builtin_memcpy(walk->text + PATH_MOST - 11, " (deleted)", 11);
    }
    LOOP(PATH_STEPS, path_step, &context);
    at = *(volatile u64 *)&walk->at;
    if (at == PATH_MOST - 1)
        walk->text[--at] = '/';
    HIDE(at);
    if (at >= PATH_MOST)
        return -1;
    return bpf_probe_read_kernel_str(to, STRSIZE, walk->text + at);
}

#define LOAD_PATH(to, path, whole) \
    do { \
        u64 path_ = (path); \
        string_clear(to, STRING_BYTES); \
        if (path_read(f, to, path_, whole) < 0) \
            FAULT(FAULT_BADADDR, path_); \
    } while (0)
