"""The forms in which drivers name their interrupts, one by one. Sources are those of Linux 6.12,
below drivers/ where no other folder is named."""

from typing import NamedTuple

import pytest

from irqwatch.base.action_name import BOTH, RX, TX, ActionName, parse, words
from irqwatch.record.anonymize import Anonymizer

NETS = ("eth0", "ens4", "ens4d1", "lan", "lan-2", "vif1.0", "veth0")


class Form(NamedTuple):
    action: str
    device: str | None
    queue: int | None
    serves: str
    source: str  # file and format


FORMS = (
    # Intel
    Form("eth0-TxRx-3", "eth0", 3, BOTH, 'net/ethernet/intel/ixgbe/ixgbe_main.c: "%s-TxRx-%u"'),
    Form("eth0-rx-1", "eth0", 1, RX, 'net/ethernet/intel/ixgbe/ixgbe_main.c: "%s-rx-%u"'),
    Form("eth0-tx-14", "eth0", 14, TX, 'net/ethernet/intel/ixgbe/ixgbe_main.c: "%s-tx-%u"'),
    Form("eth0-unused", "eth0", None, "", 'net/ethernet/intel/igb/igb_main.c: "%s-unused"'),
    Form("eth0", "eth0", None, "", "net/ethernet/intel/igb/igb_main.c: netdev->name, the others"),
    Form("eth0-TxRx-0", "eth0", 0, BOTH, 'net/ethernet/intel/igc/igc_main.c: "%s-TxRx-%u"'),
    Form("eth0-rx-0", "eth0", 0, RX, 'net/ethernet/intel/e1000e/netdev.c: "%.14s-rx-0"'),
    Form("eth0-tx-0", "eth0", 0, TX, 'net/ethernet/intel/igbvf/netdev.c: "%s-tx-0"'),
    Form("eth0-TxRx-5", "eth0", 5, BOTH, 'net/ethernet/intel/fm10k/fm10k_pci.c: "%s-TxRx-%u"'),
    Form("i40e-eth0-TxRx-7", "eth0", 7, BOTH, 'net/ethernet/intel/i40e/i40e_main.c: "%s-%s-%d"'),
    Form(
        "i40e-0000:02:00.0:fdir-TxRx-0", None, None, "",
        'net/ethernet/intel/i40e/i40e_main.c: "%s-%s:fdir", then "%s-%s-%d"',
    ),
    Form("i40e-0000:03:00.0:misc", None, None, "", 'net/ethernet/intel/i40e: "%s-%s:misc"'),
    Form("ice-eth0-TxRx-12", "eth0", 12, BOTH, 'net/ethernet/intel/ice/ice_main.c: "%s-%s-%d"'),
    Form("ice-0000:18:00.0:misc", None, None, "", 'net/ethernet/intel/ice: "%s-%s:misc"'),
    Form("ice-0000:18:00.0:ll_ts", None, None, "", 'net/ethernet/intel/ice: "%s-%s:ll_ts"'),
    Form("ice-0000:18:00.0:ctrl-TxRx-0", None, None, "", 'net/ethernet/intel/ice: "%s-%s:ctrl"'),
    Form("iavf-eth0-TxRx-1", "eth0", 1, BOTH, 'intel/iavf/iavf_main.c: "iavf-%s-TxRx-%u"'),
    Form("iavf-0000:18:01.0:mbx", None, None, "", 'intel/iavf/iavf_main.c: "iavf-%s:mbx"'),
    Form("idpf-eth0-TxRx-2", "eth0", 2, BOTH, 'intel/idpf/idpf_txrx.c: "%s-%s-%s-%d"'),
    Form("idpf-eth0-Rx-2", "eth0", 2, RX, 'intel/idpf/idpf_txrx.c: "%s-%s-%s-%d"'),
    # Mellanox
    Form("mlx5_comp40@pci:0000:86:00.0", None, 40, BOTH, 'mlx5/core/pci_irq.c: "mlx5_comp%d"'),
    Form("mlx5_async0@pci:0000:86:00.0", None, None, "", 'mlx5/core/pci_irq.c: "mlx5_async%d"'),
    # The only vector of a function: of events too, and of all queues.
    Form("mlx5_combined0@pci:0000:86:00.0", None, None, "", 'pci_irq.c: "mlx5_combined%d"'),
    # Subfunctions take vectors of one pool: the number is the pool's.
    Form("mlx5_sf_comp5@pci:0000:86:00.0", None, None, "", 'pci_irq.c: "mlx5_sf_comp", "%s%d"'),
    Form("mlx5_sf_ctrl0@pci:0000:86:00.0", None, None, "", 'pci_irq.c: "mlx5_sf_ctrl", "%s%d"'),
    # An event queue, of which rings of both ports choose one by their CPUs (mlx4_assign_eq).
    Form("mlx4-3@0000:04:00.0", None, None, "", 'mellanox/mlx4/eq.c: "mlx4-%d@%s"'),
    Form("mlx4-async@pci:0000:04:00.0", None, None, "", 'mellanox/mlx4/eq.c: "mlx4-async@pci:%s"'),
    Form("mlxbf_gige_rx", None, None, "", 'mellanox/mlxbf_gige/mlxbf_gige_intr.c: "mlxbf_gige_rx"'),
    # Broadcom
    Form("eth0-TxRx-9", "eth0", 9, BOTH, 'broadcom/bnxt/bnxt.c: "%s-%s-%d"'),
    Form("eth0-fp-4", "eth0", 4, BOTH, 'broadcom/bnx2x/bnx2x_cmn.c: "%s-fp-%d"'),
    Form("eth0-6", "eth0", 6, BOTH, 'broadcom/bnx2.c: "%s-%d"'),
    Form("eth0-txrx-2", "eth0", 2, BOTH, 'broadcom/tg3.c: "%s-txrx-%d"'),
    # Others, by folder
    Form("ena-mgmnt@pci:0000:00:05.0", None, None, "", 'amazon/ena: "ena-mgmnt@pci:%s"'),
    Form("eth0-Tx-Rx-0", "eth0", 0, BOTH, 'amazon/ena/ena_netdev.c: "%s-Tx-Rx-%d"'),
    Form("eth0-TxRx-1", "eth0", 1, BOTH, 'amd/xgbe/xgbe-drv.c: "%s-TxRx-%u"'),
    Form("eth0-rx-txc", "eth0", None, "", 'apm/xgene/xgene_enet_main.c: "%s-rx-txc"'),
    Form("eth0-txc-2", "eth0", 2, TX, 'apm/xgene/xgene_enet_main.c: "%s-txc-%d"'),
    Form("eth0-tx-1", "eth0", 1, TX, 'atheros/alx/main.c: "%s-tx-%u"'),
    Form("eth0 TXQ 3", "eth0", 3, TX, 'brocade/bna/bnad.c: "%s TXQ %d"'),
    Form("eth0 CQ 3", "eth0", 3, RX, 'brocade/bna/bnad.c: "%s CQ %d"'),
    Form("LiquidIO0-pf0-rxtx-3", None, 3, BOTH, 'cavium/liquidio: "LiquidIO%u-pf%u-rxtx-%u"'),
    Form("LiquidIO0-pf0-aux", None, None, "", 'cavium/liquidio: "LiquidIO%u-pf%u-aux"'),
    Form("eth0-rxtx-2", "eth0", 2, BOTH, 'cavium/thunder/nicvf_main.c: "%s-rxtx-%d"'),
    Form("eth0-sq-2", "eth0", 2, TX, 'cavium/thunder/nicvf_main.c: "%s-sq-%d"'),
    Form("eth0-rbdr-0", "eth0", None, "", 'cavium/thunder/nicvf_main.c: "%s-rbdr-%d"'),
    Form("eth0-qset-err-0", "eth0", None, "", 'cavium/thunder: "%s-qset-err-%d"'),
    Form("eth0-1", "eth0", 1, BOTH, 'chelsio/cxgb3/cxgb3_main.c: "%s-%d"'),
    Form("eth0-Rx7", "eth0", 7, RX, 'chelsio/cxgb4/cxgb4_main.c: "%s-Rx%d"'),
    Form("eth0-FWeventq", "eth0", None, "", 'chelsio/cxgb4/cxgb4_main.c: "%s-FWeventq"'),
    Form("eth0-rdma3", "eth0", None, "", 'chelsio/cxgb4/cxgb4_uld.c: "%s-%s%d"'),
    Form("eth0-rx-4", "eth0", 4, RX, 'cisco/enic/enic_main.c: "%s-rx-%u"'),
    Form("eth0-notify", "eth0", None, "", 'cisco/enic/enic_main.c: "%s-notify"'),
    Form("eth0-q5", "eth0", 5, BOTH, 'emulex/benet/be_main.c: "%s-q%d"'),
    Form("eth0-txrx-1", "eth0", 1, BOTH, 'engleder/tsnep_main.c: "%s-txrx-%d"'),
    Form("eth0-mac", "eth0", None, "", 'engleder/tsnep_main.c: "%s-mac"'),
    Form("eth0-rxtx3", "eth0", 3, BOTH, 'freescale/enetc/enetc.c: "%s-rxtx%d"'),
    Form("eth0_g1_rx", "eth0", 1, RX, 'freescale/gianfar.c: "%s%s%c%s"'),
    Form("eth0_g1_er", "eth0", None, "", 'freescale/gianfar.c: "%s%s%c%s"'),
    Form("20b4000.ethernet", None, None, "", "freescale/fec_main.c: pdev->name"),
    Form("dpio.5", None, None, "", "soc/fsl/dpio/dpio-driver.c: dev_name(); a CPU's portal"),
    Form("QMan portal 5", None, None, "", 'soc/fsl/qbman/qman.c: "QMan portal %d"; a CPU\'s'),
    Form("eth0-rx-3", "eth0", 3, RX, 'fungible/funeth/funeth_main.c: "%s-%s-%u"'),
    Form("gve-mgmnt@pci:0000:00:04.0", None, None, "", 'google/gve: "gve-mgmnt@pci:%s"'),
    # Half of them send: see test_line_queues.py.
    Form("gve-ntfy-blk3@pci:0000:00:04.0", None, None, "", 'google/gve: "gve-ntfy-blk%d@pci:%s"'),
    Form("eth0-tx2", "eth0", 2, TX, 'hisilicon/hns/hns_enet.c: "%s-%s%d"'),
    Form("hns3-0000:7d:00.0-TxRx-5", None, 5, BOTH, 'hisilicon/hns3: "%s-%s-%s-%d"'),
    Form("hclge-misc-0000:7d:00.0", None, None, "", 'hisilicon/hns3/hns3pf: "%s-misc-%s"'),
    Form("eth0_rxq4", "eth0", 4, RX, 'huawei/hinic/hinic_rx.c: "%s_rxq%d"'),
    Form("eth0_txq4", "eth0", 4, TX, 'huawei/hinic/hinic_tx.c: "%s_txq%d"'),
    Form("hinic_ceq0@pci:0000:81:00.0", None, None, "", 'huawei/hinic: "hinic_ceq%d@pci:%s"'),
    Form("eth0-queue2", "eth0", 2, BOTH, 'ibm/ehea/ehea_main.c: "%s-queue%d"'),
    Form("eth0-aff", "eth0", None, "", 'ibm/ehea/ehea_main.c: "%s-aff"'),
    Form("ibmvnic-30000002-tx3", None, 3, TX, 'ibm/ibmvnic.c: "ibmvnic-%x-tx%d"'),
    Form("eth0-q2", "eth0", 2, BOTH, 'marvell/octeon_ep/octep_main.c: "%s-q%d"'),
    Form("eth0-rxtx-6", "eth0", 6, BOTH, 'marvell/octeontx2/nic/otx2_pf.c: "%s-rxtx-%d"'),
    Form("eth0-qerr", "eth0", None, "", 'marvell/octeontx2/nic/otx2_pf.c: "%s-qerr"'),
    Form("RVUPF2_VF Mbox0", None, None, "", 'marvell/octeontx2: "RVUPF%d_VF Mbox0"'),
    Form("sky2@pci:0000:02:00.0", None, None, "", 'marvell/sky2.c: DRV_NAME "@pci:%s"'),
    Form("eth0-TxRx-8", "eth0", 8, BOTH, 'meta/fbnic/fbnic_txrx.c: "%s-TxRx-%u"'),
    Form("mana_q3@pci:7870:00:00.0", None, 3, BOTH, 'microsoft/mana: "mana_q%d@pci:%s"'),
    Form("mana_hwc@pci:7870:00:00.0", None, None, "", 'microsoft/mana: "mana_hwc@pci:%s"'),
    Form("eth0:slice-3", "eth0", 3, BOTH, 'myricom/myri10ge/myri10ge.c: "%s:slice-%d"'),
    Form("eth0:MSI-X-3-RX", "eth0", None, "", 'neterion/s2io.c: "%s:MSI-X-%d-RX"; a vector'),
    Form("eth0-rxtx-11", "eth0", 11, BOTH, 'netronome/nfp/nfp_net_common.c: "%s-rxtx-%d"'),
    Form("eth0-other", "eth0", None, "", 'nvidia/forcedeth.c: "%s-other"'),
    Form("ionic-eth0-L0-rx3", "eth0", 3, RX, 'pensando/ionic: "%.5s-%.16s-%.8s", "L%d-%s%u"'),
    Form("ionic-0000:b5:00.0-L0-adminq", None, None, "", 'pensando/ionic: "L%d-%s%u"'),
    Form("eth0[3]", "eth0", 3, BOTH, 'qlogic/netxen/netxen_nic_main.c: "%s[%d]"'),
    Form("eth0-fp-3", "eth0", 3, BOTH, 'qlogic/qede/qede_main.c: "%s-fp-%d"'),
    Form("sp-0-05:00.00", None, None, "", 'qlogic/qed/qed_main.c: "sp-%d-%02x:%02x.%02x"'),
    Form("eth0-tx-0-rx-3", "eth0", 3, BOTH, 'qlogic/qlcnic/qlcnic_main.c: "%s-tx-0-rx-%d"'),
    Form("eth0_int2", "eth0", None, "", 'realtek/rtase/rtase_main.c: "%s_int%i"; a vector'),
    Form("eth0", "eth0", None, "", "realtek/r8169_main.c: dev->name"),
    Form("eth0-3", "eth0", 3, BOTH, 'sfc/efx_channels.c: "%s%s-%d"'),
    Form("eth0-xdp-0", "eth0", None, "", 'sfc/efx_channels.c: "%s%s-%d"'),
    Form("eth0:rx-1", "eth0", 1, RX, 'stmicro/stmmac/stmmac_main.c: "%s:%s-%d"'),
    Form("eth0:safety-ue", "eth0", None, "", 'stmicro/stmmac/stmmac_main.c: "%s:%s"'),
    Form("eth0:mac", "eth0", None, "", 'stmicro/stmmac/stmmac_main.c: "%s:%s"'),
    Form("eth0-rx-2", "eth0", 2, RX, 'sun/niu.c: "%s-rx-%d"'),
    Form("eth0:SYSERR", "eth0", None, "", 'sun/niu.c: "%s:SYSERR"'),
    Form("8000000.ethernet-rx0", None, 0, RX, 'ti/am65-cpsw-nuss.c: "%s-rx%d"'),
    Form("eth0-TxRx-2", "eth0", 2, BOTH, 'wangxun/txgbe/txgbe_irq.c: "%s-TxRx-%d"'),
    # net/, not ethernet
    Form("eth0-rxtx-1", "eth0", 1, BOTH, 'net/vmxnet3/vmxnet3_drv.c: "%s-rxtx-%d"'),
    Form("eth0-event-4", "eth0", None, "", 'net/vmxnet3/vmxnet3_drv.c: "%s-event-%d"'),
    Form("eth0-q3-tx", "eth0", 3, TX, 'net/xen-netfront.c: "%s-q%u", then "%s-tx"'),
    Form("vif1.0-q2-rx", "vif1.0", 2, RX, 'net/xen-netback/xenbus.c: "%s-q%u", then "%s-rx"'),
    Form("blkif", None, None, "", 'block/xen-blkfront.c: "blkif"'),
    Form("virtio2-input.0", None, 0, RX, 'net/virtio_net.c: "input.%u"'),
    Form("virtio2-output.11", None, 11, TX, 'net/virtio_net.c: "output.%u"'),
    Form("virtio0-config", None, None, "", 'virtio/virtio_pci_common.c: "%s-config"'),
    Form("virtio0-virtqueues", None, None, "", 'virtio/virtio_pci_common.c: "%s-virtqueues"'),
    Form("virtio0-avq.5", None, None, "", 'virtio/virtio_pci_common.c: "avq.%u"'),
    Form("virtio3-rx", None, None, "", 'net/vmw_vsock/virtio_transport.c: "rx"'),
    Form("virtio3-input", None, None, "", 'char/virtio_console.c: "input"'),
    # Disks
    Form("nvme0q0", None, 0, "", 'nvme/host/pci.c: "nvme%dq%d"'),
    Form("nvme12q127", None, 127, "", 'nvme/host/pci.c: "nvme%dq%d"'),
    Form("nvme 0 io5", None, 5, "", 'nvme before Linux 3.15: "nvme %d io %d"'),
    Form("virtio1-req.0", None, 0, "", 'block/virtio_blk.c: "req.%u"'),
    Form("virtio4-requests.1", None, 1, "", 'fs/fuse/virtio_fs.c: "requests.%u"'),
    Form("virtio5-dataq.2", None, 2, "", 'crypto/virtio/virtio_crypto_core.c: "dataq.%d"'),
    # Of several alike: see test_line_queues.py.
    Form("virtio5-request", None, None, "", 'scsi/virtio_scsi.c: "request"'),
    Form("virtio5-control", None, None, "", 'scsi/virtio_scsi.c: "control"'),
    Form("smartpqi", None, None, "", "scsi/smartpqi/smartpqi_init.c: DRIVER_NAME_SHORT"),
    Form("megasas0-msix3", None, 3, "", 'scsi/megaraid/megaraid_sas_base.c: "%s%u-msix%u"'),
    Form("megasas0", None, None, "", 'scsi/megaraid/megaraid_sas_base.c: "%s%u"'),
    Form("mpt3sas0-msix12", None, 12, "", 'scsi/mpt3sas/mpt3sas_base.c: "%s%d-msix%d"'),
    Form("mpi3mr0-msix1", None, 1, "", 'scsi/mpi3mr/mpi3mr_fw.c: "%s%d-msix%d"'),
    Form("hpsa0-msix3", None, 3, "", 'scsi/hpsa.c: "%s-msix%d"'),
    Form("hpsa0-msix", None, None, "", 'scsi/hpsa.c: "%s-msi%s"'),
    Form("lpfc:7", None, 7, "", 'scsi/lpfc/lpfc_init.c: LPFC_DRIVER_HANDLER_NAME"%d"'),
    Form("qla2xxx5_qpair3", None, 3, "", 'scsi/qla2xxx/qla_isr.c: "qla2xxx%lu_qpair%d"'),
    Form("qla2xxx5_default", None, None, "", 'scsi/qla2xxx/qla_isr.c: "qla2xxx%lu_%s"'),
    Form("pm80xx0-3", None, 3, "", 'scsi/pm8001/pm8001_init.c: "%s-%d"'),
    Form("csio-03:00:1-scsi3", None, 3, "", 'scsi/csiostor: "csio-%02x:%02x:%x-scsi%d"'),
    Form("fnic0-scsi-wq-1", None, 1, "", 'scsi/fnic/fnic_isr.c: "%.11s-scsi-wq-%d"'),
    Form("host0-3", None, 3, "", 'scsi/ipr.c: "host%d-%d"'),
    Form("beiscsi_05_0a", None, 10, "", 'scsi/be2iscsi/be_main.c: "beiscsi_%02x_%02x"'),
    Form("beiscsi_mcc_05", None, None, "", 'scsi/be2iscsi/be_main.c: "beiscsi_mcc_%02x"'),
    Form("ibmvfc-30000004-scsi2", None, 2, "", 'scsi/ibmvscsi/ibmvfc.c: "ibmvfc-%x-scsi%d"'),
    Form("hisi_sas_v3_hw phy", None, None, "", 'scsi/hisi_sas/hisi_sas_v3_hw.c: " phy"'),
    Form("vmw_pvscsi", None, None, "", 'scsi/vmw_pvscsi.c: "vmw_pvscsi"'),
    Form("ahci[0000:00:17.0]", None, None, "", "ata/ahci.c: before Linux 6"),
    Form("ahci3", None, None, "", 'ata/libahci.c: "%s%d"; a port'),
    Form("ufshcd", None, None, "", "ufs/core/ufshcd.c: UFSHCD"),
    Form("mmc0", None, None, "", "mmc/host/sdhci.c: mmc_hostname()"),
    # InfiniBand
    Form("efa-comp3@pci:0000:00:1d.0", None, 3, "", 'infiniband/hw/efa: "efa-comp%d@pci:%s"'),
    Form("efa-mgmnt@pci:0000:00:1d.0", None, None, "", 'infiniband/hw/efa: "efa-mgmnt@pci:%s"'),
    Form("irdma-0000:18:00.0-CEQ-3", None, 3, "", 'infiniband/hw/irdma/hw.c: "irdma-%s-CEQ-%d"'),
    Form("irdma-0000:18:00.0-AEQCEQ-0", None, None, "", 'irdma/hw.c: "irdma-%s-AEQCEQ-0"'),
    Form("hns-0000:7d:00.0-ceq-3", None, 3, "", 'infiniband/hw/hns: "hns-%s-ceq-%d"'),
    Form("hns-0000:7d:00.0-aeq-0", None, None, "", 'infiniband/hw/hns: "hns-%s-aeq-%d"'),
    Form("bnxt_re-nq-2@pci:0000:3b:00.0", None, 2, "", 'hw/bnxt_re: "bnxt_re-nq-%d@pci:%s"'),
    Form("erdma-ceq3@pci:0000:00:08.0", None, 3, "", 'hw/erdma/erdma_eq.c: "erdma-ceq%u@pci:%s"'),
    Form("qedr3@pci:0000:05:00.0", None, 3, "", 'hw/qedr/main.c: "qedr%d@pci:%s"'),
    Form("ocrdma0-3", None, 3, "", 'hw/ocrdma/ocrdma_hw.c: "ocrdma%d-%d"'),
    Form("mthca-comp@pci:0000:05:00.0", None, None, "", 'hw/mthca/mthca_eq.c: "%s@pci:%s"'),
    # No driver's form, but what may look like one
    Form("xhci_hcd", None, None, "", "usb/host/xhci-pci.c"),
    Form("ttyS0", None, None, "", "tty/serial"),
    Form("ACPI:Ged", None, None, "", "acpi/evged.c"),
    Form("", None, None, "", ""),
    # Names that people give network devices
    Form("ens4d1-TxRx-2", "ens4d1", 2, BOTH, "a port whose name starts as another's does"),
    Form("lan-2", "lan-2", None, "", "a device, not queue 2 of lan"),
    Form("lan-2-rx-0", "lan-2", 0, RX, ""),
    Form("eth10-rx-0", None, 0, RX, "another device"),
    Form("eth0.5-rx-0", "eth0", 0, RX, ""),
)  # fmt: skip


@pytest.mark.parametrize("form", FORMS, ids=lambda form: f"{form.action} {form.source[:40]}")
def test_each_form(form: Form) -> None:
    assert parse(form.action, NETS) == ActionName(form.device, form.queue, form.serves)


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.action)
def test_an_anonymized_name_says_the_same_of_its_way(form: Form) -> None:
    """Advice on a recording asks for it; the queue's number stands apart in one."""
    renamed = Anonymizer(b"key")._name(form.action)
    ways = {parse(form.action).serves, parse(renamed).serves}
    assert len(ways) == 1 or ways == {"", BOTH}


def test_a_number_after_a_name_that_is_no_device_says_nothing() -> None:
    assert parse("mydrv-3") == ActionName()
    assert parse("eth0-3") == ActionName()


def test_what_a_device_may_be_called_by() -> None:
    assert list(words("eth0_g1_rx")) == ["eth0_g1_rx", "eth0_g1", "eth0"]
    assert list(words("20b4000.ethernet")) == ["20b4000.ethernet"]
