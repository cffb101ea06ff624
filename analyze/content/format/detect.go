package format

// check is one recogniser; it answers on the header alone.
type check func(Blob) (Match, bool)

// Detect says what a file is. The zero Match is text or data that no table
// here knows.
func Detect(name string, head []byte, size int64) Match {
	b := Blob{Name: name, B: head, Size: size}
	if len(head) == 0 {
		return Match{}
	}
	for _, c := range byFirst(head[0]) {
		if m, ok := c(b); ok {
			return m
		}
	}
	for _, c := range anyFirst {
		if m, ok := c(b); ok {
			return m
		}
	}
	return Match{}
}

// byFirst lists the checks of formats that begin with a byte.
func byFirst(c byte) []check {
	switch c {
	case 0x7f:
		return []check{detectELF}
	case 'M', 'Z':
		return []check{detectMZ}
	case 'A':
		return []check{detectHome}
	case 0xf1, 0xf2, 0xf3:
		return []check{detectFCode}
	case 0xca:
		return []check{detectClass, detectFat, detectJava}
	case 0xda, 0xa2, 0xa8:
		return []check{detectJava}
	case '#', 'G', 0xfa, '\n':
		return []check{detectScheme, detectLisp}
	case 'L':
		return []check{detectLisp, detectHome}
	case '(', 0xd2:
		return []check{detectLisp}
	case 0xfb, 'r', 0xe2, 'H', 'N', 'S', 'g':
		return []check{detectModules, detectDevice}
	case 0x07:
		return []check{detectShader, detectUnix, detectXSVF}
	case 0x03, 0x50:
		return []check{detectShader, detectUnix}
	case 0xff:
		return []check{detectDevice, detectHome}
	case 'U', 0x7e, 0xbd, 0xe9, 0xed:
		return []check{detectDevice}
	case 0x02, 0x08, 0x0b, 0xcc:
		return []check{detectUnix}
	case 0xfe, 0xce, 0xcf:
		return []check{detectMachO, detectModules}
	case 0:
		return []check{detectWasm, detectScheme, detectCOFF, detectDevice}
	case 'B', 0xde:
		return []check{detectLLVM}
	case 'x':
		return []check{detectZlib}
	case 'F':
		return []check{detectBEAM}
	case ';':
		return []check{detectElc}
	case 0x1b:
		return []check{detectLua}
	case 'd', 'c':
		return []check{detectDex}
	case 'C':
		return []check{detectOCaml}
	case 0x01:
		return []check{detectHi, detectMicrocode, detectUnix, detectHome}
	case 0x80, 0x82:
		return []check{detectOMF}
	case 0xf0:
		return []check{detectOMF, detectFCode}
	case 'D':
		return []check{detectAMD, detectShader, detectDevice}
	case 0x27:
		return []check{detectUBoot}
	case 0xd0:
		return []check{detectDTB}
	}
	return nil
}

// anyFirst are the checks that no single first byte selects.
var anyFirst = []check{detectPyc, detectCOFF, detectUnixCOFF, detectArchive, detectSealed, detectLanguages, detectBoot, detectLoader, detectVolumes, detectVirtual, detectData}
