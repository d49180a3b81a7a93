/* What pcap() records: as much of a packet as there is room for, in one piece or in several. */
fbt::vfs_read:entry
{
	pcap((void *)arg0, 12);
}
