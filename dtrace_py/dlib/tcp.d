/* TCP: headers, and what the kernel knows of a connection. */

inline int TH_FIN = 0x01;
inline int TH_SYN = 0x02;
inline int TH_RST = 0x04;
inline int TH_PSH = 0x08;
inline int TH_PUSH = 0x08;
inline int TH_ACK = 0x10;
inline int TH_URG = 0x20;
inline int TH_ECE = 0x40;
inline int TH_CWR = 0x80;

inline int TCP_STATE_IDLE = 0;
inline int TCP_STATE_ESTABLISHED = 1;
inline int TCP_STATE_SYN_SENT = 2;
inline int TCP_STATE_SYN_RECEIVED = 3;
inline int TCP_STATE_FIN_WAIT_1 = 4;
inline int TCP_STATE_FIN_WAIT_2 = 5;
inline int TCP_STATE_TIME_WAIT = 6;
inline int TCP_STATE_CLOSED = 7;
inline int TCP_STATE_CLOSE_WAIT = 8;
inline int TCP_STATE_LAST_ACK = 9;
inline int TCP_STATE_LISTEN = 10;
inline int TCP_STATE_CLOSING = 11;

inline string tcp_state_string[int32_t state] =
    state == TCP_STATE_IDLE ? "state-idle" :
    state == TCP_STATE_ESTABLISHED ? "state-established" :
    state == TCP_STATE_SYN_SENT ? "state-syn-sent" :
    state == TCP_STATE_SYN_RECEIVED ? "state-syn-received" :
    state == TCP_STATE_FIN_WAIT_1 ? "state-fin-wait-1" :
    state == TCP_STATE_FIN_WAIT_2 ? "state-fin-wait-2" :
    state == TCP_STATE_TIME_WAIT ? "state-time-wait" :
    state == TCP_STATE_CLOSED ? "state-closed" :
    state == TCP_STATE_CLOSE_WAIT ? "state-close-wait" :
    state == TCP_STATE_LAST_ACK ? "state-last-ack" :
    state == TCP_STATE_LISTEN ? "state-listen" :
    state == TCP_STATE_CLOSING ? "state-closing" :
    "<unknown>";

typedef struct tcpinfo {
	uint16_t tcp_sport;
	uint16_t tcp_dport;
	uint32_t tcp_seq;
	uint32_t tcp_ack;
	uint8_t tcp_offset;
	uint8_t tcp_flags;
	uint16_t tcp_window;
	uint16_t tcp_checksum;
	uint16_t tcp_urgent;
	struct tcphdr *tcp_hdr;
} tcpinfo_t;

typedef struct tcpsinfo {
	uintptr_t tcps_addr;
	int tcps_local;
	uint16_t tcps_lport;
	uint16_t tcps_rport;
	string tcps_laddr;
	string tcps_raddr;
	int tcps_state;
	uint32_t tcps_iss;
	uint32_t tcps_irs;
	uint32_t tcps_suna;
	uint32_t tcps_snxt;
	uint32_t tcps_rnxt;
	uint32_t tcps_swnd;
	int32_t tcps_snd_ws;
	uint32_t tcps_rwnd;
	int32_t tcps_rcv_ws;
	uint32_t tcps_cwnd;
	uint32_t tcps_cwnd_ssthresh;
	uint32_t tcps_sack_snxt;
	uint32_t tcps_rto;
	uint32_t tcps_mss;
	int tcps_retransmit;
	uint32_t tcps_rtt;
	uint32_t tcps_rtt_sd;
} tcpsinfo_t;

typedef struct tcplsinfo {
	int tcps_state;
} tcplsinfo_t;

/* The flags are the 14th byte of a header. */
translator tcpinfo_t < struct tcphdr *T > {
	tcp_sport = T == NULL ? 0 : ntohs(T->source);
	tcp_dport = T == NULL ? 0 : ntohs(T->dest);
	tcp_seq = T == NULL ? 0 : ntohl(T->seq);
	tcp_ack = T == NULL ? 0 : ntohl(T->ack_seq);
	tcp_offset = T == NULL ? 0 : T->doff << 2;
	tcp_flags = T == NULL ? 0 : *((uint8_t *)T + 13);
	tcp_window = T == NULL ? 0 : ntohs(T->window);
	tcp_checksum = T == NULL ? 0 : ntohs(T->check);
	tcp_urgent = T == NULL ? 0 : ntohs(T->urg_ptr);
	tcp_hdr = T;
};

/*
 * Windows for sending are counted in segments by the kernel, in bytes here. Its clock's rate is told by the shortest
 * retransmission time-out, which is 200 ms unless it has been set. Where a connection began its numbers is not kept.
 */
translator tcpsinfo_t < struct sock *S > {
	tcps_addr = (uintptr_t)S;
	tcps_local = S == NULL ? 0 :
	    S->__sk_common.skc_family == AF_INET && S->__sk_common.skc_daddr == S->__sk_common.skc_rcv_saddr;
	tcps_lport = S == NULL ? 0 : S->__sk_common.skc_num;
	tcps_rport = S == NULL ? 0 : ntohs(S->__sk_common.skc_dport);
	tcps_laddr = S == NULL ? "<unknown>" :
	    S->__sk_common.skc_family == AF_INET ? inet_ntoa(&S->__sk_common.skc_rcv_saddr) :
	    inet_ntoa6(&S->__sk_common.skc_v6_rcv_saddr);
	tcps_raddr = S == NULL ? "<unknown>" :
	    S->__sk_common.skc_family == AF_INET ? inet_ntoa(&S->__sk_common.skc_daddr) :
	    inet_ntoa6(&S->__sk_common.skc_v6_daddr);
	tcps_state = S == NULL ? 0 : S->__sk_common.skc_state;
	tcps_suna = S == NULL ? 0 : ((struct tcp_sock *)S)->snd_una;
	tcps_snxt = S == NULL ? 0 : ((struct tcp_sock *)S)->snd_nxt;
	tcps_rnxt = S == NULL ? 0 : ((struct tcp_sock *)S)->rcv_nxt;
	tcps_swnd = S == NULL ? 0 : ((struct tcp_sock *)S)->snd_wnd;
	tcps_snd_ws = S == NULL ? 0 : ((struct tcp_sock *)S)->rx_opt.snd_wscale;
	tcps_rwnd = S == NULL ? 0 : ((struct tcp_sock *)S)->rcv_wnd;
	tcps_rcv_ws = S == NULL ? 0 : ((struct tcp_sock *)S)->rx_opt.rcv_wscale;
	tcps_cwnd = S == NULL ? 0 : ((struct tcp_sock *)S)->snd_cwnd * ((struct tcp_sock *)S)->mss_cache;
	tcps_cwnd_ssthresh = S == NULL ? 0 : ((struct tcp_sock *)S)->snd_ssthresh * ((struct tcp_sock *)S)->mss_cache;
	tcps_sack_snxt = S == NULL ? 0 : ((struct tcp_sock *)S)->snd_nxt;
	tcps_rto = S == NULL || ((struct inet_connection_sock *)S)->icsk_rto_min == 0 ? 0 :
	    ((struct inet_connection_sock *)S)->icsk_rto * 200 / ((struct inet_connection_sock *)S)->icsk_rto_min;
	tcps_mss = S == NULL ? 0 : ((struct tcp_sock *)S)->mss_cache;
	tcps_retransmit = S == NULL ? 0 : ((struct inet_connection_sock *)S)->icsk_retransmits;
	tcps_rtt = S == NULL ? 0 : ((struct tcp_sock *)S)->srtt_us / 8000;
	tcps_rtt_sd = S == NULL ? 0 : ((struct tcp_sock *)S)->mdev_us / 4000;
};

translator tcplsinfo_t < int I > {
	tcps_state = I;
};
