package vm

const orphanMaker = "make-an-orphan"

func makeOrphan() {}
