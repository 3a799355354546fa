/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#ifndef XNUMON_RECORD_H
#define XNUMON_RECORD_H

static __always_inline void clear_parts(struct exec_record *r)
{
	for (int i = 0; i < PARTS; i++) {
		r->lens[i] = 0;
		r->status[i] = PART_WHOLE;
	}
}

static __always_inline void submit_exec(struct exec_buffer *b, u32 off, u64 wake)
{
	u64 size = sizeof(b->r) + off;

	if (size > sizeof(b->r) + sizeof(b->data))
		size = sizeof(b->r) + sizeof(b->data);
	b->r.h.size = size;
	if (bpf_ringbuf_output(&events, b, size, wake))
		count_loss(LOSS_RING, b->r.h.time);
}

#endif
