# What the guest's tests build: the sandbox's shell is the only tool.
let
  sh = name: script: derivation {
    inherit name;
    system = "x86_64-linux";
    builder = "/bin/sh";
    args = [ "-c" script ];
  };
in
rec {
  # A fetch of a file that the host offers.
  source = derivation {
    name = "source.txt";
    system = "builtin";
    builder = "builtin:fetchurl";
    url = "file:///srcs/source.txt";
    urls = [ "file:///srcs/source.txt" ];
    outputHashMode = "flat";
    outputHashAlgo = "sha256";
    # Of "from the host\n".
    outputHash = "32004ac815aef63f2c80e94134b683ba9d8b98275959383b29bfb42473004945";
    executable = false;
    unpack = false;
    preferLocalBuild = true;
  };

  # Executes a program that is not in the store: a copy of the shell, made in
  # the build directory, and another one in shared memory. Opens a file that
  # begins as an archive does, by a program that is started with it.
  tool = derivation {
    name = "tool";
    system = "x86_64-linux";
    builder = "/bin/sh";
    args = [ "-c" ''
      cp /bin/sh ./echo
      read line < $source
      ./echo "$line" > $out
      ./echo again
      cp /bin/sh /dev/shm/echo
      /dev/shm/echo > /dev/shm/said
      printf 'PK\003\004' > made.jar
      ./echo < made.jar
      cp /bin/sh ./cat
      ./cat made.jar > /dev/null
      :
    '' ];
    inherit source;
  };

  image = sh "image" ''
    echo "made of ${tool}" > $out
    :
  '';

  # Never twice the same.
  stamp = sh "stamp" ''
    read up rest < /proc/uptime
    echo $up $$ > $out
    :
  '';

  broken = sh "broken" ''
    echo "about to fail"
    exit 3
  '';

  # Long enough to be interrupted, on top of something that is built.
  slow = sh "slow" ''
    echo "on top of ${tool}"
    sleep 1000
  '';

  # Wants more than the disk has.
  big = sh "big" ''
    fallocate -l 880M reserved
    dd if=/dev/zero of=rest bs=1M
    exit 1
  '';

  # Wants more memory than there is.
  greedy = sh "greedy" ''
    x=0123456789abcdef
    while :; do x=$x$x; done
  '';

  # What a build must not be able to do.
  jail = sh "jail" ''
    [ -e /recipe ] && exit 10
    [ -e /init ] && exit 11
    n=0
    while read line; do n=$((n + 1)); done < /proc/net/dev
    [ $n -eq 3 ] || exit 12   # two lines of heading, and lo
    [ $NIX_BUILD_TOP = /build ] || exit 13
    echo ok > $out
    :
  '';
}
