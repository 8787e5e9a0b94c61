/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * How often is each network device polled, how much work does a poll do, does it use up its budget?
 *
 * Traced after each poll with softirqs off (__napi_poll(), busy_poll, netpoll: net/core), so that one CPU
 * only writes an entry. The key is the device's name, not the address of its NAPI instances, of which it
 * has one a queue and which may be another's tomorrow. The backlog, which takes the packets of loopback and
 * those that RPS steers, has no device.
 */

#define DEVICE_NAME_BYTES 16 /* IFNAMSIZ, include/uapi/linux/if.h */

struct napi_key {
	char device[DEVICE_NAME_BYTES]; /* what follows its NUL may be of an older name */
	u32 cpu;
	u32 has_device; /* 0: the backlog */
};

struct napi {
	u64 polls;
	u64 packets;
	u64 exhausted; /* polls that used up their budget */
};

enum napi_loss {
	LOSS_NAPI_MAP_FULL,
	NAPI_LOSSES
};

struct napi_losses {
	u64 losses[NAPI_LOSSES];
};

BPF_F_TABLE("hash", struct napi_key, struct napi, napis, MAX_NAPIS, HASH_FLAGS);
BPF_PERCPU_ARRAY(napi_losses, struct napi_losses, 1);

static __always_inline struct napi *napi_for(struct napi_key *key)
{
	struct napi *napi = napis.lookup(key);
	struct napi nothing = {};

	if (napi)
		return napi;
	napis.update(key, &nothing);
	return napis.lookup(key);
}

int irqw_napi_poll(struct bpf_raw_tracepoint_args *ctx)
{
	int zero = 0;
	int work = ctx->args[1];
	int budget = ctx->args[2];
	struct napi_losses *losses = napi_losses.lookup(&zero);
	u64 device = 0;
	struct napi_key key = {};
	struct napi *napi;

	if (!losses)
		return 0;
	bpf_probe_read_kernel(&device, sizeof(device),
			      (void *)(ctx->args[0] + OFFSET_napi_struct_dev));
	if (device) {
		bpf_probe_read_kernel(key.device, sizeof(key.device),
				      (void *)(device + OFFSET_net_device_name));
		key.has_device = 1;
	}
#ifdef SHARE_NET_RX
	if (budget > 0)
		share_poll(ctx->args[0], !device, work >= budget);
#endif
	key.cpu = bpf_get_smp_processor_id();
	napi = napi_for(&key);
	if (!napi) {
		losses->losses[LOSS_NAPI_MAP_FULL]++;
		return 0;
	}
	napi->polls++;
	if (work > 0)
		napi->packets += work;
	if (budget > 0 && work >= budget) /* netpoll polls without any budget, to send */
		napi->exhausted++;
	return 0;
}
