/* SPDX-License-Identifier: (GPL-2.0 OR BSD-2-Clause) */
/*
 * pcap(): what is recorded of a packet (contract A15), at most PACKET_MOST bytes.
 *
 * A struct sk_buff has the first of its bytes in one piece, often only the headers. The rest lies in pieces of pages. Where the
 * kernel tells where the pages are (PAGES, PAGE_DESCRIPTIONS) these are recorded too. Further buffers (frag_list) are not.
 */
#pragma once

#ifdef PAGES
/* struct bio_vec, or from Linux 6.10 struct skb_frag. */
struct packet_piece {
    u64 page; /* the address of its description, which is even */
    u32 length, offset;
};

struct packet_pieces {
    char *to;
    u64 captured;
    u64 first, count; /* the address of the array of pieces, how many there are */
    u64 pages, descriptions; /* where both begin */
};

#define PACKET_READ(to, address) bpf_probe_read_kernel(&(to), sizeof(to), (void *)(address))

CALLBACK long packet_piece(u64 round, struct packet_pieces *all)
{
    struct packet_piece piece;
    u64 at = all->captured, size, from;

    if (round >= all->count || PACKET_READ(piece, all->first + round * sizeof(piece)) || piece.page & 1)
        return 1;
    size = piece.length;
    if (size > PACKET_MOST - at)
        size = PACKET_MOST - at;
    BOUND(at, PACKET_MOST);
    BOUND(size, PACKET_MOST); /* so that the ring's slack has PACKET_MOST bytes more than the verifier sees used */
    from = all->pages + (piece.page - all->descriptions) / PAGE_DESCRIPTION * PAGE_BYTES + piece.offset;
    if (bpf_probe_read_kernel(all->to + at, size, (void *)from))
        return 1;
    all->captured = at + size;
    return size < piece.length;
}

/* Read the pieces behind what has been captured. Returns how much has been captured then. */
SUBPROGRAM u64 packet_read_pieces(char *to, u64 packet, u64 captured)
{
    struct packet_pieces all;
    u64 head = 0;
    u32 end = 0;
    u8 count = 0;

    UNKNOWN_ZERO(all);
    PACKET_READ(head, packet + PACKET_HEAD);
    PACKET_READ(end, packet + PACKET_END);
    if (PACKET_READ(count, head + end + PACKET_PIECES_COUNT) || PACKET_READ(all.pages, PAGES) ||
        PACKET_READ(all.descriptions, PAGE_DESCRIPTIONS))
        return captured;
    all.to = to;
    all.captured = captured;
    all.first = head + end + PACKET_PIECES;
    all.count = count;
    LOOP(PACKET_MOST_PIECES, packet_piece, &all);
    return all.captured;
}
#else
#define packet_read_pieces(to, packet, captured) (captured)
#endif

/* Read a packet: how long it is, and as much of it as there is room for. */
#define LOAD_PACKET(to, captured, length, packet) \
    do { \
        u64 packet_ = (packet), data_, captured_; \
        u32 length_, apart_; \
        LOAD(length_, packet_ + PACKET_LEN); \
        LOAD(apart_, packet_ + PACKET_DATA_LEN); \
        LOAD(data_, packet_ + PACKET_DATA); \
        captured_ = length_ > apart_ ? length_ - apart_ : 0; \
        BOUND(captured_, PACKET_MOST); \
        if (captured_) \
            LOAD_MEMORY(to, captured_, data_); \
        (length) = length_; \
        (captured) = apart_ ? packet_read_pieces(to, packet_, captured_) : captured_; \
    } while (0)
