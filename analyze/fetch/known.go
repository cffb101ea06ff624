package fetch

// attr is an attribute that fetchers are told apart by.
type attr uint8

const (
	none attr = iota
	aExecutable
	aPostFetch
	aPreferHashedMirrors
	aMirrorsFile
	aName
	aRev
	aTag
	aBranchName
	aUnpack
	aUrls
	aUrl
	aRemote
	aRepository
	aRegistryUrl
	aCvsRoot
	aS3url
	aImageName
	aImageDigest
	aFinalImageTag
	aFetchSubmodules
	aLeaveDotGit
	aFetcher
	aSubrepoClause
	aSvnSsh
	aIgnoreExternals
	aSshSupport
	aIpfs
	aManifest
	aRepoRepoURL
	aSelector
	aDbs
	aEggProtocol
	aEggName
	aChickenEggCache
	aBuildCommand
	aInstallPhase
	aBuildPhase
	aCargoUpdateHook
	aModSha256
	aGo111module
	aBazelFetchFlags
	aComposerLock
	aMixEnv
	aBuilder
	numAttrs
)

// attrNames are their names.
var attrNames = [numAttrs]string{
	aExecutable:          "executable",
	aPostFetch:           "postFetch",
	aPreferHashedMirrors: "preferHashedMirrors",
	aMirrorsFile:         "mirrorsFile",
	aName:                "name",
	aRev:                 "rev",
	aTag:                 "tag",
	aBranchName:          "branchName",
	aUnpack:              "unpack",
	aUrls:                "urls",
	aUrl:                 "url",
	aRemote:              "remote",
	aRepository:          "repository",
	aRegistryUrl:         "registryUrl",
	aCvsRoot:             "cvsRoot",
	aS3url:               "s3url",
	aImageName:           "imageName",
	aImageDigest:         "imageDigest",
	aFinalImageTag:       "finalImageTag",
	aFetchSubmodules:     "fetchSubmodules",
	aLeaveDotGit:         "leaveDotGit",
	aFetcher:             "fetcher",
	aSubrepoClause:       "subrepoClause",
	aSvnSsh:              "SVN_SSH",
	aIgnoreExternals:     "ignoreExternals",
	aSshSupport:          "sshSupport",
	aIpfs:                "ipfs",
	aManifest:            "manifest",
	aRepoRepoURL:         "repoRepoURL",
	aSelector:            "selector",
	aDbs:                 "dbs",
	aEggProtocol:         "eggProtocol",
	aEggName:             "eggName",
	aChickenEggCache:     "CHICKEN_EGG_CACHE",
	aBuildCommand:        "buildCommand",
	aInstallPhase:        "installPhase",
	aBuildPhase:          "buildPhase",
	aCargoUpdateHook:     "cargoUpdateHook",
	aModSha256:           "modSha256",
	aGo111module:         "GO111MODULE",
	aBazelFetchFlags:     "bazelFetchFlags",
	aComposerLock:        "composerLock",
	aMixEnv:              "MIX_ENV",
	aBuilder:             "builder",
}

// attrOf is the attribute of a name, or none.
func attrOf(name string) attr {
	switch name {
	case "executable":
		return aExecutable
	case "postFetch":
		return aPostFetch
	case "preferHashedMirrors":
		return aPreferHashedMirrors
	case "mirrorsFile":
		return aMirrorsFile
	case "name":
		return aName
	case "rev":
		return aRev
	case "tag":
		return aTag
	case "branchName":
		return aBranchName
	case "unpack":
		return aUnpack
	case "urls":
		return aUrls
	case "url":
		return aUrl
	case "remote":
		return aRemote
	case "repository":
		return aRepository
	case "registryUrl":
		return aRegistryUrl
	case "cvsRoot":
		return aCvsRoot
	case "s3url":
		return aS3url
	case "imageName":
		return aImageName
	case "imageDigest":
		return aImageDigest
	case "finalImageTag":
		return aFinalImageTag
	case "fetchSubmodules":
		return aFetchSubmodules
	case "leaveDotGit":
		return aLeaveDotGit
	case "fetcher":
		return aFetcher
	case "subrepoClause":
		return aSubrepoClause
	case "SVN_SSH":
		return aSvnSsh
	case "ignoreExternals":
		return aIgnoreExternals
	case "sshSupport":
		return aSshSupport
	case "ipfs":
		return aIpfs
	case "manifest":
		return aManifest
	case "repoRepoURL":
		return aRepoRepoURL
	case "selector":
		return aSelector
	case "dbs":
		return aDbs
	case "eggProtocol":
		return aEggProtocol
	case "eggName":
		return aEggName
	case "CHICKEN_EGG_CACHE":
		return aChickenEggCache
	case "buildCommand":
		return aBuildCommand
	case "installPhase":
		return aInstallPhase
	case "buildPhase":
		return aBuildPhase
	case "cargoUpdateHook":
		return aCargoUpdateHook
	case "modSha256":
		return aModSha256
	case "GO111MODULE":
		return aGo111module
	case "bazelFetchFlags":
		return aBazelFetchFlags
	case "composerLock":
		return aComposerLock
	case "MIX_ENV":
		return aMixEnv
	case "builder":
		return aBuilder
	}
	return none
}

// known are the values of those attributes, read in one pass.
type known struct {
	values [numAttrs]string
	set    uint64 // bit i: attribute i is there, empty or not
}

func (k *known) get(a attr) string { return k.values[a] }

func (k *known) has(a attr) bool { return k.set&(1<<a) != 0 }

// known reads the attributes that are known here.
func (s Set) known(k *known) {
	*k = known{}
	if s.structured == nil {
		for i := range s.env {
			if a := attrOf(s.env[i].Key); a != none {
				k.values[a] = s.env[i].Value
				k.set |= 1 << a
			}
		}
		return
	}
	for a := none + 1; a < numAttrs; a++ {
		k.values[a] = s.Get(attrNames[a])
		if s.has(attrNames[a]) {
			k.set |= 1 << a
		}
	}
}
