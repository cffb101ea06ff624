package rules

import "strings"

// What a file is by its type, lower case with the dot. The lists have what
// systems, runtimes and devices take, not what packages of today happen to
// fetch.

// distroPackage are packages of distributions, for one machine or for all.
func distroPackage(ext string) bool {
	switch ext {
	case ".deb", ".udeb", ".rpm", ".ipk", ".opk", ".apk", ".xbps", ".eopkg", ".hpkg",
		".pkg.tar.xz", ".pkg.tar.zst", ".pkg.tar.gz", ".pkg.tar.bz2":
		return true
	}
	return false
}

// nativePackage are programs and installers of one operating system.
func nativePackage(ext string) bool {
	switch ext {
	case ".appimage", ".snap", ".flatpak", ".exe", ".msi", ".msp", ".msu", ".msix", ".msixbundle", ".appx", ".appxbundle", ".dmg", ".pkg", ".mpkg", ".xip", ".ipa", ".aab", ".xapk",
		".vbox-extpack", ".cab", ".sfx", ".nro", ".nsp", ".xci", ".3dsx", ".vpk", ".pbp", ".xex":
		return true
	}
	return false
}

// bytecodePackage are archives of classes, assemblies and other code for a
// virtual machine, and such code by itself.
func bytecodePackage(ext string) bool {
	switch ext {
	case ".jar", ".war", ".ear", ".aar", ".kar", ".jmod", ".nupkg", ".snupkg", ".class", ".dex", ".hpi", ".jpi", ".nbm", ".swc", ".swf",
		".jar.gz", ".jar.xz", ".jar.pack.gz", ".ez", ".luac", ".elc", ".fasl":
		return true
	}
	return false
}

// objectType are compiled files by themselves, and images of disks and
// cartridges.
func objectType(ext string) bool {
	switch ext {
	case ".so", ".dll", ".dylib", ".o", ".a", ".rlib", ".a.gz", ".so.gz", ".so.xz", ".dll.gz", ".ko", ".ko.xz", ".ko.zst", ".ko.gz", ".efi", ".elf", ".wasm", ".wasm.gz", ".node", ".pyd", ".sys", ".ocx",
		".iso", ".iso.gz", ".iso.bz2", ".iso.xz", ".iso.zst", ".img", ".img.gz", ".img.bz2", ".img.xz", ".img.zst", ".img.lz4", ".raw.gz", ".raw.xz", ".raw.zst", ".qcow2", ".qcow2.gz", ".qcow2.xz", ".qcow2.zst", ".vmdk", ".vmdk.gz", ".vdi", ".vhd", ".vhdx", ".ova", ".box", ".wim", ".sif", ".squashfs", ".erofs", ".initrd",
		".nar", ".nar.xz", ".nar.bz2", ".nar.zst", ".beam", ".pyc", ".pyo", ".uf2", ".lib",
		".z64", ".n64", ".v64", ".nes", ".sfc", ".smc", ".gb", ".gba", ".gbc", ".nds", ".3ds", ".cia", ".a26", ".d64", ".adf", ".chd":
		return true
	}
	return false
}

// compiledType are all types that hold code which was compiled.
func compiledType(ext string) bool {
	return distroPackage(ext) || nativePackage(ext) || bytecodePackage(ext) || objectType(ext) || firmwareType(ext)
}

// firmwareType are images for a device's own processor.
func firmwareType(ext string) bool {
	switch ext {
	case ".fw", ".ucode", ".rom", ".fw.xz", ".fw.zst", ".cap", ".hcd", ".dfu", ".hex", ".ihex", ".srec", ".trx", ".itb", ".jed", ".rbf":
		return true
	}
	return false
}

// innerType are types that the name of an archive keeps of the one program or
// bundle that is in it ("tool.exe.zip", "Tool.app.tar.gz").
func innerType(ext string) bool {
	switch ext {
	case ".exe", ".dll", ".dylib", ".so", ".jar", ".msi", ".dmg", ".app", ".appimage", ".deb", ".rpm", ".kext", ".vst3", ".vst", ".clap", ".component", ".framework", ".xcframework", ".prefpane", ".qlgenerator", ".saver", ".efi", ".elf", ".wasm":
		return true
	}
	return false
}

// versionedLibrary says that a file is a shared library with its version
// behind the type ("libtool.so.1.2").
func versionedLibrary(file string) bool {
	i := strings.Index(file, ".so.")
	return i > 0 && i+4 < len(file) && strings.Trim(file[i+4:], "0123456789.") == ""
}
