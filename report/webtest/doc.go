// Package webtest opens the HTML report in a real headless Chromium. It holds
// tests only, apart from the others because a browser takes seconds.
package webtest
