/* Stand-in: nothing here may depend on the version, so it is a constant old one. */
#define KERNEL_VERSION(a, b, c) (((a) << 16) + ((b) << 8) + (c))
#define LINUX_VERSION_CODE KERNEL_VERSION(5, 19, 0)
