//! The profiles that come with castline. Each row says where the runtime does what it excuses; the podman and runc rows
//! were looked at in a running container as well.

use super::{Allowance, Rule};
use Allowance::{Directory, EmptyFile, File, Link, Mode};

pub(super) struct Table {
    pub(super) name: &'static str,
    pub(super) about: &'static str,
    pub(super) rules: &'static [Row],
    pub(super) xattrs: &'static [&'static str],
    /// What a person should know of a path that is a finding all the same.
    pub(super) notes: &'static [(&'static str, &'static str)],
}

pub(super) struct Row(&'static str, Allowance, bool, &'static str, &'static str);

impl Row {
    pub(super) fn rule(&self) -> Rule {
        let Self(path, allows, mount, writer, source) = *self;
        Rule { path: path.parse().expect("a test parses every row"), allows, mount, writer, source }
    }
}

/// Something may be mounted there.
const MOUNT: bool = true;
const PLAIN: bool = false;

const SELINUX: &[&str] = &["security.selinux"];

const DOCKER_INIT: &str = "moby/moby daemon/initlayer/setup_unix.go, Setup";
const DOCKER_MOUNTS: &str = "moby/moby oci/defaults.go, DefaultLinuxSpec";
const DOCKER_NETWORK: &str = "moby/moby container/container_unix.go, NetworkMounts";
const RUNC: &str = "opencontainers/runc libcontainer/rootfs_linux.go, createIfNotExists";
const PODMAN_BINDS: &str = "containers/podman libpod/container_internal_common.go, makeBindMounts";
const PODMAN_LINKS: &str = "containers/podman libpod/container_internal_linux.go, makePlatformMtabLink";
const PODMAN_SPEC: &str = "containers/podman pkg/specgen/generate/oci_linux.go, SpecGenToOCI";
const STORAGE: &str = "containers/storage drivers/overlay/overlay.go, defaultPerms";
const LOCAL_SPEC: &str =
    "castline castline-engine/src/drivers/local/container.rs, config; mounts.rs, furnish";
const CRI_MOUNTS: &str = "containerd/containerd pkg/cri/sbserver/container_create_linux.go, containerMounts";
const CRI_O: &str = "cri-o/cri-o server/container_create_linux.go, createSandboxContainer";
const CRI_SPEC: &str = "containerd/containerd oci/mounts.go, defaultMounts";
const KUBELET: &str = "kubernetes/kubernetes pkg/kubelet/kubelet_pods.go, makeMounts";
const KUBELET_LOG: &str =
    "kubernetes/kubernetes pkg/kubelet/kuberuntime/kuberuntime_container.go, makeMounts";
const TOKEN: &str =
    "kubernetes/kubernetes plugin/pkg/admission/serviceaccount/admission.go, DefaultAPITokenMountPath";

pub(super) const ABOUT_NONE: &str = "nothing is excused: a root filesystem that no runtime has used";

pub(super) const PROFILES: &[Table] = &[
    Table {
        name: "docker",
        about: "what Docker writes into a container",
        rules: &[
            Row("/.dockerenv", EmptyFile, PLAIN, "Docker marks its containers", DOCKER_INIT),
            Row("/dev", Directory, MOUNT, "Docker mounts devices", DOCKER_MOUNTS),
            Row("/dev/console", EmptyFile, MOUNT, "Docker makes a place for the terminal", DOCKER_INIT),
            Row("/dev/pts", Directory, MOUNT, "Docker makes a mount point", DOCKER_INIT),
            Row("/dev/shm", Directory, MOUNT, "Docker makes a mount point", DOCKER_INIT),
            Row("/dev/mqueue", Directory, MOUNT, "Docker mounts message queues", DOCKER_MOUNTS),
            Row("/proc", Directory, MOUNT, "Docker makes a mount point", DOCKER_INIT),
            Row("/sys", Directory, MOUNT, "Docker makes a mount point", DOCKER_INIT),
            Row("/etc", Directory, PLAIN, "Docker makes the folder of the files below", DOCKER_INIT),
            Row("/etc/hosts", File, MOUNT, "Docker writes the container's names", DOCKER_NETWORK),
            Row("/etc/hostname", File, MOUNT, "Docker writes the container's name", DOCKER_NETWORK),
            Row("/etc/resolv.conf", File, MOUNT, "Docker writes the name servers", DOCKER_NETWORK),
            Row("/etc/mtab", Link("/proc/mounts"), PLAIN, "Docker links the list of mounts", DOCKER_INIT),
            Row("/run", Directory, PLAIN, "runc makes the folder of mount points", RUNC),
            Row(
                "/run/secrets",
                Directory,
                MOUNT,
                "Docker mounts the secrets of Swarm services",
                "moby/moby container/container_unix.go, SecretMounts",
            ),
            Row(
                "/run/secrets/*",
                EmptyFile,
                MOUNT,
                "Docker mounts the secrets of Swarm services",
                "moby/moby container/container_unix.go, SecretMounts",
            ),
            Row(
                "/sbin/docker-init",
                EmptyFile,
                MOUNT,
                "Docker mounts the init process of `--init`",
                "moby/moby daemon/oci_linux.go, inContainerInitPath",
            ),
            Row(
                "/usr/sbin/docker-init",
                EmptyFile,
                MOUNT,
                "Docker mounts the init process of `--init`",
                "moby/moby daemon/oci_linux.go, inContainerInitPath",
            ),
        ],
        xattrs: SELINUX,
        notes: &[],
    },
    Table {
        name: "podman",
        about: "what Podman writes into a container",
        rules: &[
            Row("/", Mode(0o555), PLAIN, "containers/storage gives a layer's root this mode", STORAGE),
            Row(
                "/run",
                Directory,
                MOUNT,
                "runc and crun make the folder of mount points; a tmpfs with `--systemd`",
                RUNC,
            ),
            Row("/run/.containerenv", File, MOUNT, "Podman marks and describes its containers", PODMAN_BINDS),
            Row("/run/secrets", Directory, MOUNT, "Podman mounts secrets and subscriptions", PODMAN_BINDS),
            Row("/run/secrets/*", EmptyFile, MOUNT, "Podman mounts secrets and subscriptions", PODMAN_BINDS),
            Row(
                "/run/podman-init",
                EmptyFile,
                MOUNT,
                "Podman mounts the init process of `--init`",
                "containers/podman libpod/define/container.go, ContainerInitPath",
            ),
            Row("/dev", Directory, MOUNT, "Podman mounts devices", PODMAN_SPEC),
            Row("/dev/console", EmptyFile, MOUNT, "runc and crun make a place for the terminal", RUNC),
            Row("/dev/pts", Directory, MOUNT, "Podman mounts terminals", PODMAN_SPEC),
            Row("/dev/shm", Directory, MOUNT, "Podman mounts shared memory", PODMAN_SPEC),
            Row("/dev/mqueue", Directory, MOUNT, "Podman mounts message queues", PODMAN_SPEC),
            Row("/proc", Directory, MOUNT, "Podman mounts processes", PODMAN_SPEC),
            Row("/sys", Directory, MOUNT, "Podman mounts the kernel's objects", PODMAN_SPEC),
            Row("/etc", Directory, PLAIN, "Podman makes the folder of the files below", PODMAN_LINKS),
            Row("/etc/hosts", File, MOUNT, "Podman writes the container's names", PODMAN_BINDS),
            Row("/etc/hostname", File, MOUNT, "Podman writes the container's name", PODMAN_BINDS),
            Row("/etc/resolv.conf", File, MOUNT, "Podman writes the name servers", PODMAN_BINDS),
            Row("/etc/mtab", Link("/proc/mounts"), PLAIN, "Podman links the list of mounts", PODMAN_LINKS),
            Row("/etc/localtime", EmptyFile, MOUNT, "Podman mounts the time zone of `--tz`", PODMAN_BINDS),
        ],
        xattrs: SELINUX,
        notes: &[("etc/passwd", PODMAN_USER), ("etc/group", PODMAN_USER)],
    },
    Table {
        name: "kubernetes",
        about: "what the kubelet, containerd and CRI-O write into a container of a pod",
        rules: &[
            Row(
                "/",
                Mode(0o555),
                PLAIN,
                "containers/storage, under CRI-O, gives a layer's root this mode",
                STORAGE,
            ),
            Row("/dev", Directory, MOUNT, "containerd mounts devices", CRI_SPEC),
            Row("/dev/console", EmptyFile, MOUNT, "runc makes a place for the terminal", RUNC),
            Row("/dev/pts", Directory, MOUNT, "containerd mounts terminals", CRI_SPEC),
            Row("/dev/shm", Directory, MOUNT, "containerd mounts the pod's shared memory", CRI_MOUNTS),
            Row("/dev/mqueue", Directory, MOUNT, "containerd mounts message queues", CRI_SPEC),
            Row(
                "/dev/termination-log",
                EmptyFile,
                MOUNT,
                "the kubelet mounts the termination message",
                KUBELET_LOG,
            ),
            Row("/proc", Directory, MOUNT, "containerd mounts processes", CRI_SPEC),
            Row("/sys", Directory, MOUNT, "containerd mounts the kernel's objects", CRI_SPEC),
            Row("/etc", Directory, PLAIN, "CRI-O makes the folder of the files below", CRI_O),
            Row("/etc/hosts", File, MOUNT, "the kubelet mounts the pod's names", KUBELET),
            Row("/etc/hostname", File, MOUNT, "containerd mounts the pod's name", CRI_MOUNTS),
            Row("/etc/resolv.conf", File, MOUNT, "containerd mounts the name servers", CRI_MOUNTS),
            Row("/etc/mtab", Link("/proc/mounts"), PLAIN, "CRI-O links the list of mounts", CRI_O),
            Row(
                "/etc/localtime",
                EmptyFile,
                MOUNT,
                "CRI-O mounts the time zone that its configuration names",
                CRI_O,
            ),
            Row("/var", Directory, PLAIN, "runc makes the folders of mount points", RUNC),
            Row("/run", Directory, PLAIN, "runc makes the folders of mount points", RUNC),
            Row("/run/secrets", Directory, MOUNT, "CRI-O mounts subscriptions, runc makes the folder", CRI_O),
            Row(
                "/run/secrets/kubernetes.io",
                Directory,
                PLAIN,
                "runc makes the folders of mount points",
                RUNC,
            ),
            Row(
                "/run/secrets/kubernetes.io/serviceaccount",
                Directory,
                MOUNT,
                "the token of the service account is mounted",
                TOKEN,
            ),
            Row("/var/run", Directory, PLAIN, "runc makes the folders of mount points", RUNC),
            Row(
                "/var/run/secrets",
                Directory,
                MOUNT,
                "CRI-O mounts subscriptions, runc makes the folder",
                CRI_O,
            ),
            Row(
                "/var/run/secrets/kubernetes.io",
                Directory,
                PLAIN,
                "runc makes the folders of mount points",
                RUNC,
            ),
            Row(
                "/var/run/secrets/kubernetes.io/serviceaccount",
                Directory,
                MOUNT,
                "the token of the service account is mounted",
                TOKEN,
            ),
        ],
        xattrs: SELINUX,
        notes: &[],
    },
    Table {
        name: "local",
        about: "what castline's driver `local` and its OCI runtime write into an instance",
        rules: &[
            Row("/dev", Directory, MOUNT, "castline mounts devices", LOCAL_SPEC),
            Row("/proc", Directory, MOUNT, "castline mounts processes", LOCAL_SPEC),
            Row("/sys", Directory, MOUNT, "castline mounts the kernel's objects", LOCAL_SPEC),
            Row("/etc", Directory, PLAIN, "runc and crun make the folder of the files below", RUNC),
            Row("/etc/hosts", EmptyFile, MOUNT, "castline mounts the machine's names", LOCAL_SPEC),
            Row(
                "/etc/resolv.conf",
                EmptyFile,
                MOUNT,
                "castline mounts the machine's name servers",
                LOCAL_SPEC,
            ),
        ],
        xattrs: SELINUX,
        notes: &[],
    },
    Table { name: "none", about: ABOUT_NONE, rules: &[], xattrs: &[], notes: &[] },
];

const PODMAN_USER: &str = "podman adds a line here when the user is a number that the image does not know (generatePasswdAndGroup); its content cannot be told from a forged one";
