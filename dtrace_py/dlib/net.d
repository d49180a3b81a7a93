/* What all network providers share: addresses, families, protocols, packets, connections, interfaces. */

typedef uint32_t ipaddr_t;
typedef struct in6_addr in6_addr_t;
typedef uint64_t netstackid_t;

inline int NET_PROBE_OUTBOUND = 0;
inline int NET_PROBE_INBOUND = 1;

inline int AF_UNSPEC = 0;
inline int AF_UNIX = 1;
inline int AF_INET = 2;
inline int AF_INET6 = 10;
inline int AF_NETLINK = 16;
inline int AF_PACKET = 17;

typedef struct pktinfo {
	uintptr_t pkt_addr;
} pktinfo_t;

typedef struct csinfo {
	uintptr_t cs_addr;
	uint64_t cs_cid;
} csinfo_t;

typedef struct conninfo {
	string ci_local;
	string ci_remote;
	string ci_protocol;
} conninfo_t;

typedef struct ifinfo {
	string if_name;
	int8_t if_local;
	netstackid_t if_ipstack;
	uintptr_t if_addr;
} ifinfo_t;

translator pktinfo_t < struct sk_buff *S > {
	pkt_addr = (uintptr_t)S;
};

translator csinfo_t < struct sock *S > {
	cs_addr = (uintptr_t)S;
	cs_cid = (uint64_t)S;
};

translator conninfo_t < struct sock *S > {
	ci_local = S == NULL ? "<unknown>" :
	    S->__sk_common.skc_family == AF_INET ? inet_ntoa(&S->__sk_common.skc_rcv_saddr) :
	    S->__sk_common.skc_family == AF_INET6 ? inet_ntoa6(&S->__sk_common.skc_v6_rcv_saddr) : "<unknown>";
	ci_remote = S == NULL ? "<unknown>" :
	    S->__sk_common.skc_family == AF_INET ? inet_ntoa(&S->__sk_common.skc_daddr) :
	    S->__sk_common.skc_family == AF_INET6 ? inet_ntoa6(&S->__sk_common.skc_v6_daddr) : "<unknown>";
	ci_protocol = S == NULL ? "<unknown>" :
	    S->__sk_common.skc_family == AF_INET ? "ipv4" :
	    S->__sk_common.skc_family == AF_INET6 ? "ipv6" : "<unknown>";
};

/* Bit 3 of an interface's flags says that it is a loopback (IFF_LOOPBACK). */
translator ifinfo_t < struct net_device *N > {
	if_name = N == NULL ? "<unknown>" : stringof(N->name);
	if_local = N == NULL ? 0 : (N->flags & 8) != 0;
	if_ipstack = 0;
	if_addr = (uintptr_t)N;
};
