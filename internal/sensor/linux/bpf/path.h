/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#ifndef XNUMON_PATH_H
#define XNUMON_PATH_H

/* More components than PATH_MAX allows in one call can exist; a path with more
 * than this many is reported as truncated, not cut. */
#define MAX_COMPONENTS 128
#define MAX_MOUNTS 32   /* mounts crossed on the way up */
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

static __always_inline void start_walk(struct walk *w, const struct path *p, const struct path *root)
{
	w->dentry = (u64)p->dentry;
	w->mnt = (u64)p->mnt;
	w->root_dentry = (u64)root->dentry;
	w->root_mnt = (u64)root->mnt;
	w->sum = 0;
	w->status = PART_TRUNCATED;
}

/* Writes the names of a path behind off, last one first, each with its NUL, and
 * returns their length. data must have NAME_CAP bytes behind off + PATH_CAP;
 * off is at most DATA_CAP. w is in a map: what the verifier does not
 * follow does not multiply its states. */
static __noinline u32 append_path(struct walk *w, u8 *data, u32 off, const struct path *p, const struct path *root)
{
	u64 sum;

	start_walk(w, p, root);
	w->len = 0;
	for (int i = 0; i < MAX_COMPONENTS + MAX_MOUNTS; i++) {
		struct dentry *named = (void *)w->dentry;
		int up = step(w);

		if (up == 0)
			continue;
		u32 len = w->len;
		/* A file that hangs nowhere is its own root; its name is all there is. */
		if (up < 0 && !(w->status == PART_DETACHED && len == 0))
			break;
		if (len > PATH_CAP || off > DATA_CAP)
			break;
		long n = bpf_probe_read_kernel_str(data + off + len, NAME_CAP, BPF_CORE_READ(named, d_name.name));
		if (n > 0)
			w->len = len + n;
		if (up < 0)
			break;
	}
	u32 status = w->status, len = w->len;
	if (status == PART_TRUNCATED)
		return 0;

	/* Again without the names: was anything renamed meanwhile? */
	sum = w->sum;
	start_walk(w, p, root);
	for (int i = 0; i < MAX_COMPONENTS + MAX_MOUNTS; i++)
		if (step(w) < 0)
			break;
	if (sum != w->sum) {
		w->status = PART_RACED;
		return 0;
	}
	return len <= PATH_CAP + NAME_CAP ? len : 0;
}

#endif
