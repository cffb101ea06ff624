//go:build race

package content_test

const raceDetector = true
