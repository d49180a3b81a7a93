/* SPDX-License-Identifier: (GPL-2.0 OR BSD-2-Clause) */
/* pcap(): what is recorded of a packet (contract A15). */
#pragma once

/* Read the packet of a struct sk_buff: how long it is, and of what lies in one piece as much as there is room for. */
#define LOAD_PACKET(to, most, captured, length, packet) \
    do { \
        u64 packet_ = (packet), data_, linear_; \
        u32 length_, apart_; \
        LOAD(length_, packet_ + PACKET_LEN); \
        LOAD(apart_, packet_ + PACKET_DATA_LEN); \
        LOAD(data_, packet_ + PACKET_DATA); \
        linear_ = length_ > apart_ ? length_ - apart_ : 0; \
        BOUND(linear_, most); \
        if (linear_) \
            LOAD_MEMORY(to, linear_, data_); \
        (length) = length_; \
        (captured) = linear_; \
    } while (0)
