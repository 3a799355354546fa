/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#ifndef XNUMON_PATH_H
#define XNUMON_PATH_H

/* Names and mounts on the way up. A path of PATH_MAX bytes can have half as many
 * names; a longer one is reported as truncated, not cut. */
#define MAX_STEPS 2304
#define WALK_STEPS 48 /* at once */
#define NAME_CAP 256    /* NAME_MAX and its NUL */

static __always_inline struct mount *real_mount(struct vfsmount *m)
{
	return (void *)m - __builtin_preserve_field_info(((struct mount *)0)->mnt, 0);
}

static __always_inline struct vfsmount *vfsmount_of(struct mount *m)
{
	return (void *)m + __builtin_preserve_field_info(((struct mount *)0)->mnt, 0);
}

/* One step towards the root. Returns 1 when it was one up the tree of names, 0
 * when it crossed a mount, -1 at the end. The sum folds in what was passed and
 * the sequence count of each name: a rename moves it, so that two walks with the
 * same sum saw the same path, and no rename in between. */
static __always_inline int step(struct walk *w)
{
	struct dentry *d = (void *)w->dentry;
	struct vfsmount *mnt = (void *)w->mnt;

	if (w->dentry == w->root_dentry && w->mnt == w->root_mnt) {
		w->status = PART_WHOLE;
		return -1;
	}
	w->sum = w->sum * 31 + (u64)d;
	w->sum = w->sum * 31 + BPF_CORE_READ(d, d_seq.seqcount.sequence);
	if (d == BPF_CORE_READ(mnt, mnt_root)) {
		struct mount *m = real_mount(mnt);
		struct mount *parent = BPF_CORE_READ(m, mnt_parent);
		if (m == parent) {
			w->status = PART_UNREACHABLE;
			return -1;
		}
		w->dentry = (u64)BPF_CORE_READ(m, mnt_mountpoint);
		w->mnt = (u64)vfsmount_of(parent);
		return 0;
	}
	struct dentry *parent = BPF_CORE_READ(d, d_parent);
	if (parent == d) {
		w->status = PART_DETACHED;
		return -1;
	}
	w->dentry = (u64)parent;
	return 1;
}

static __always_inline void start_walk(struct walk *w, const struct path *p, const struct path *root, u32 off)
{
	w->dentry = w->first_dentry = (u64)p->dentry;
	w->mnt = w->first_mnt = (u64)p->mnt;
	w->root_dentry = (u64)root->dentry;
	w->root_mnt = (u64)root->mnt;
	w->sum = 0;
	w->status = PART_TRUNCATED;
	w->off = off;
	w->len = 0;
}

/* Goes up WALK_STEPS and writes the names it passes into the buffer, last one
 * first, each with its NUL. Returns 0 when there may be more. Not static, so
 * that the verifier goes through it once and not for each call; what it works
 * on is in a map, where the verifier does not follow it. */
__noinline int walk_names(u32 where)
{
	struct exec_buffer *b = buffer(where);

	if (!b)
		return 1;
	struct walk *w = &b->walk;
	for (int i = 0; i < WALK_STEPS; i++) {
		struct dentry *named = (void *)w->dentry;
		int up = step(w);

		if (up == 0)
			continue;
		u32 len = w->len, off = w->off;
		/* A file that hangs nowhere is its own root; its name is all there is. */
		if (up < 0 && !(w->status == PART_DETACHED && len == 0))
			return 1;
		if (len > PATH_CAP || off > DATA_CAP)
			return 1;
		long n = bpf_probe_read_kernel_str(b->data + off + len, NAME_CAP, BPF_CORE_READ(named, d_name.name));
		if (n > 0)
			w->len = len + n;
		if (up < 0)
			return 1;
	}
	return 0;
}

/* The same without the names. */
__noinline int walk_again(u32 where)
{
	struct exec_buffer *b = buffer(where);

	if (!b)
		return 1;
	for (int i = 0; i < WALK_STEPS; i++)
		if (step(&b->walk) < 0)
			return 1;
	return 0;
}

/* Writes the names of a path into the buffer behind off, which is at most
 * DATA_CAP, and returns their length. The status is in b->walk. */
static __always_inline u32 append_path(struct exec_buffer *b, u32 where, u32 off, const struct path *p, const struct path *root)
{
	struct walk *w = &b->walk;
	u64 sum;

	start_walk(w, p, root, off);
	for (int i = 0; i < MAX_STEPS / WALK_STEPS; i++)
		if (walk_names(where))
			break;
	u32 len = w->len, status = w->status;
	if (status == PART_TRUNCATED || len > PATH_CAP) {
		w->status = PART_TRUNCATED;
		return 0;
	}

	/* Was anything renamed meanwhile? */
	sum = w->sum;
	w->dentry = w->first_dentry;
	w->mnt = w->first_mnt;
	w->sum = 0;
	for (int i = 0; i < MAX_STEPS / WALK_STEPS; i++)
		if (walk_again(where))
			break;
	if (sum != w->sum) {
		w->status = PART_RACED;
		return 0;
	}
	w->status = status;
	return len;
}

#endif
