// Deliberate faults: what a server in trouble, or a hostile one, answers.
package main

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Fault strikes requests of one method. The first After matching requests pass; then Times requests are struck (0 = all).
type Fault struct {
	Method  string // SOAP method, or "*"
	Kind    string // see strike
	After   int
	Times   int
	DelayMs int    // for slow (default 3000)
	Fault   string // for fault: the type's name
	Message string
	seen    int
}

// parseFault reads Method:kind[:after[:times]].
func parseFault(s string) (f Fault, err error) {
	p := strings.Split(s, ":")
	if len(p) < 2 || len(p) > 4 {
		return f, fmt.Errorf("want Method:kind[:after[:times]]")
	}
	f.Method, f.Kind = p[0], p[1]
	if len(p) > 2 {
		f.After, err = strconv.Atoi(p[2])
	}
	if len(p) > 3 && err == nil {
		f.Times, err = strconv.Atoi(p[3])
	}
	return f, err
}

// takeFault finds the first fault that strikes this request and carries it out; false = go on as usual.
func (g *guard) takeFault(w http.ResponseWriter, r *http.Request, method, cookie string) bool {
	g.mu.Lock()
	var f *Fault
	for i := range g.sc.Faults {
		x := &g.sc.Faults[i]
		if x.Method != "*" && x.Method != method {
			continue
		}
		x.seen++
		if f == nil && x.seen > x.After && (x.Times == 0 || x.seen <= x.After+x.Times) {
			c := *x
			f = &c
		}
	}
	g.mu.Unlock()
	return f != nil && g.strike(w, r, f, cookie)
}

func (g *guard) strike(w http.ResponseWriter, r *http.Request, f *Fault, cookie string) bool {
	xmlType := func() { w.Header().Set("Content-Type", "text/xml; charset=utf-8") }
	switch {
	case strings.HasPrefix(f.Kind, "http"): // http503, http401, http403, ...
		code, err := strconv.Atoi(f.Kind[4:])
		if err != nil || code < 200 || code > 599 {
			code = 500
		}
		http.Error(w, http.StatusText(code), code)
	case f.Kind == "slow": // answers correctly, late
		d := f.DelayMs
		if d == 0 {
			d = 3000
		}
		select {
		case <-time.After(time.Duration(d) * time.Millisecond):
		case <-r.Context().Done():
		}
		return false
	case f.Kind == "hang": // never answers; ends when the client goes away or after two minutes
		select {
		case <-r.Context().Done():
		case <-time.After(2 * time.Minute):
		}
		panic(http.ErrAbortHandler)
	case f.Kind == "expire": // the session is gone from now on
		g.mu.Lock()
		g.expired[cookie] = true
		delete(g.open, cookie)
		g.mu.Unlock()
		return false
	case f.Kind == "reset": // connection closed without an answer
		panic(http.ErrAbortHandler)
	case f.Kind == "fault": // a SOAP fault of any type
		n, m := f.Fault, f.Message
		if n == "" {
			n = "RuntimeFault"
		}
		if m == "" {
			m = "simulated fault"
		}
		writeFault(w, m, n, "")
	case f.Kind == "html": // a proxy's page with status 200
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprint(w, "<!DOCTYPE html><html><head><title>Sign in</title></head><body>gateway</body></html>")
	case f.Kind == "badxml": // broken in the middle
		xmlType()
		fmt.Fprint(w, `<?xml version="1.0"?><soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"><soapenv:Body><Retr`)
	case f.Kind == "bomb": // entity expansion; must be refused because of its DTD
		xmlType()
		fmt.Fprint(w, `<?xml version="1.0"?><!DOCTYPE a [<!ENTITY a "aaaaaaaaaa">`)
		for c := 'b'; c <= 'j'; c++ {
			fmt.Fprintf(w, `<!ENTITY %c "%s">`, c, strings.Repeat(fmt.Sprintf("&%c;", c-1), 10))
		}
		fmt.Fprint(w, `]><soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"><soapenv:Body>&j;</soapenv:Body></soapenv:Envelope>`)
	case f.Kind == "deep": // 200 000 nested elements
		xmlType()
		fmt.Fprint(w, `<?xml version="1.0"?>`+strings.Repeat("<a>", 200000)+strings.Repeat("</a>", 200000))
	case f.Kind == "huge": // up to 1 GiB of well-formed nothing, as fast as the client reads
		xmlType()
		fmt.Fprint(w, `<?xml version="1.0"?><soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"><soapenv:Body>`)
		chunk := []byte(strings.Repeat("<x>0123456789</x>\n", 4096))
		for n := 0; n < 1<<30; n += len(chunk) {
			if _, err := w.Write(chunk); err != nil {
				return true
			}
		}
		fmt.Fprint(w, `</soapenv:Body></soapenv:Envelope>`)
	default:
		http.Error(w, "vsim: unknown fault kind "+f.Kind, 500)
	}
	return true
}
