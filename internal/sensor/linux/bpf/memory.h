/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#ifndef XNUMON_MEMORY_H
#define XNUMON_MEMORY_H

/* argv and environment together are at most 6 MiB (fs/exec.c, bprm_stack_limits:
 * three quarters of the default stack limit). */
#define MAX_CHUNKS (6 * 1024 * 1024 / CHUNK_CAP + 1)

/* Long arguments may not fill the ring so far that forks and execs find no room. */
#define CHUNK_ROOM (3 << 20)

/* Sends [start, end) of the current process's memory in chunks, on behalf of
 * the record in scratch. Returns the status of the part. Not static, so that
 * the verifier goes through it once and not for each call. */
__noinline u32 send_chunks(u32 part, u64 start, u64 end)
{
	u32 zero = 0;
	struct chunk_buffer *b = bpf_map_lookup_elem(&chunk_scratch, &zero);
	struct exec_buffer *exec = bpf_map_lookup_elem(&scratch, &zero);

	if (!b || !exec)
		return PART_NO_ROOM;
	b->r.h.type = REC_CHUNK;
	b->r.h.time = exec->r.h.time;
	b->r.key = exec->r.key;
	b->r.part = part;
	b->r.offset = 0;
	/* The offset lives in the map: what the verifier does not follow does not
	 * multiply its states. */
	for (int i = 0; i < MAX_CHUNKS; i++) {
		u64 off = *(volatile u64 *)&b->r.offset, left = end - start - off;
		u32 n = left < CHUNK_CAP ? left : CHUNK_CAP;

		if (!n)
			return PART_CHUNKED;
		if (bpf_ringbuf_query(&events, BPF_RB_AVAIL_DATA) > CHUNK_ROOM)
			break;
		if (bpf_probe_read_user(b->data, n, (void *)(start + off)))
			return PART_FAULT;
		b->r.len = n;
		b->r.h.size = sizeof(b->r) + n;
		if (bpf_ringbuf_output(&events, b, sizeof(b->r) + n, quietly()))
			break;
		b->r.offset = off + n;
	}
	count_loss(LOSS_CHUNKS, b->r.h.time);
	return PART_NO_ROOM;
}

/* Copies [start, end) behind off, or sends it ahead where it is long. */
static __always_inline u32 append_memory(struct exec_buffer *b, u32 off, u32 part, u64 start, u64 end)
{
	u64 total = end - start;

	if (end <= start)
		return 0;
	if (total > PART_CAP) {
		b->r.status[part] = send_chunks(part, start, end);
		return 0;
	}
	u32 n = total;
	/* The register that is compared must be the one that is added below: the
	 * verifier of 6.1 does not connect two loads of one spilled number. */
	barrier_var(off);
	if (off > DATA_CAP || n > PART_CAP)
		return 0;
	if (bpf_probe_read_user(b->data + off, n, (void *)start)) {
		b->r.status[part] = PART_FAULT;
		return 0;
	}
	return n;
}

#endif
