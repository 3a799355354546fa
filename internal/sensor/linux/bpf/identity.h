/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#ifndef XNUMON_IDENTITY_H
#define XNUMON_IDENTITY_H

#define NSEC 1000000000LL

static __always_inline void read_times(struct file_identity *id, struct inode *inode)
{
	if (bpf_core_field_exists(inode->i_ctime_sec)) {
		id->mtime = BPF_CORE_READ(inode, i_mtime_sec) * NSEC + BPF_CORE_READ(inode, i_mtime_nsec);
		id->ctime = BPF_CORE_READ(inode, i_ctime_sec) * NSEC + BPF_CORE_READ(inode, i_ctime_nsec);
		return;
	}
	struct inode___plain *plain = (void *)inode;
	struct inode___underscored *under = (void *)inode;
	struct timespec64 t;

	if (bpf_core_field_exists(plain->i_mtime))
		t = BPF_CORE_READ(plain, i_mtime);
	else
		t = BPF_CORE_READ(under, __i_mtime);
	id->mtime = t.tv_sec * NSEC + t.tv_nsec;
	if (bpf_core_field_exists(plain->i_ctime))
		t = BPF_CORE_READ(plain, i_ctime);
	else
		t = BPF_CORE_READ(under, __i_ctime);
	id->ctime = t.tv_sec * NSEC + t.tv_nsec;
}

static __always_inline void read_identity(struct file_identity *id, struct file *file)
{
	struct inode *inode = BPF_CORE_READ(file, f_inode);
	struct dentry *dentry = BPF_CORE_READ(file, f_path.dentry);
	struct super_block *sb = BPF_CORE_READ(inode, i_sb);

	id->inode = (u64)inode;
	id->ino = BPF_CORE_READ(inode, i_ino);
	id->size = BPF_CORE_READ(inode, i_size);
	read_times(id, inode);
	id->dev = BPF_CORE_READ(sb, s_dev);
	id->generation = BPF_CORE_READ(inode, i_generation);
	id->mode = BPF_CORE_READ(inode, i_mode);
	id->uid = BPF_CORE_READ(inode, i_uid.val);
	id->gid = BPF_CORE_READ(inode, i_gid.val);
	id->nlink = BPF_CORE_READ(inode, i_nlink);
	id->magic = BPF_CORE_READ(sb, s_magic);
	id->writers = BPF_CORE_READ(inode, i_writecount.counter);
	id->seals = 0;
	id->flags = 0;
	if (BPF_CORE_READ(file, f_path.mnt, mnt_flags) & MNT_INTERNAL) {
		id->flags |= FILE_INTERNAL;
		if (id->magic == TMPFS_MAGIC) {
			struct shmem_inode_info *shmem = (void *)inode -
				__builtin_preserve_field_info(((struct shmem_inode_info *)0)->vfs_inode, 0);
			id->seals = BPF_CORE_READ(shmem, seals);
		}
	}
	/* d_unlinked() of include/linux/dcache.h; a root has no name to lose */
	if (!BPF_CORE_READ(dentry, d_hash.pprev) && BPF_CORE_READ(dentry, d_parent) != dentry)
		id->flags |= FILE_UNLINKED;
}

#endif
