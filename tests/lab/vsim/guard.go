// The guard is an HTTP handler in front of govmomi: log-in against the account table, privileges of changing methods, the
// free edition's read-only API, removal of what an account may not see, paging of large answers.
package main

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"log"
	"net/http"
	"regexp"
	"strings"
	"sync"

	"github.com/vmware/govmomi/vim25/types"
)

// needs: the privilege a changing method asks for on its object.
var needs = map[string]string{
	"ReconfigVM_Task": "VirtualMachine.Config.AdvancedConfig", "CreateSnapshot_Task": "VirtualMachine.State.CreateSnapshot",
	"RemoveAllSnapshots_Task": "VirtualMachine.State.RemoveSnapshot", "RemoveSnapshot_Task": "VirtualMachine.State.RemoveSnapshot",
	"PowerOnVM_Task": "VirtualMachine.Interact.PowerOn", "PowerOffVM_Task": "VirtualMachine.Interact.PowerOff",
	"ResetVM_Task": "VirtualMachine.Interact.Reset", "Rename_Task": "VirtualMachine.Config.Rename",
	"CreateVM_Task": "VirtualMachine.Inventory.Create", "RegisterVM_Task": "VirtualMachine.Inventory.Register",
	"UnregisterVM": "VirtualMachine.Inventory.Unregister", "Destroy_Task": "VirtualMachine.Inventory.Delete",
	"SearchDatastore_Task": "Datastore.Browse", "SearchDatastoreSubFolders_Task": "Datastore.Browse",
	"AddAuthorizationRole": "Authorization.ModifyRoles", "SetEntityPermissions": "Authorization.ModifyPermissions",
	"AddLicense": "Global.Licenses", "UpdateLicense": "Global.Licenses", "UpdateAssignedLicense": "Global.Licenses",
}

// reads: methods that change nothing in the inventory. Any method that is in neither list needs the role Admin.
var reads = regexp.MustCompile(`^(Retrieve|Query|Fetch|Find|Has|Get|List|Continue|Cancel|CheckForUpdates|WaitForUpdates|Current|SessionIsActive|` +
	`Login|Logout|CloneSession|AcquireCloneTicket|CreateContainerView|CreateListView|CreateInventoryView|CreateFilter|CreatePropertyCollector|` +
	`CreateCollector|Destroy(View|PropertyFilter|PropertyCollector|Collector)|ModifyListView|Reset(ListView|Collector)|ReadNext|ReadPrevious|ParseDescriptor|CreateImportSpec|Validate)`)

// call is as much of a SOAP request as the guard needs.
type call struct {
	Body struct {
		Inner struct {
			XMLName xml.Name
			This    struct {
				Type  string `xml:"type,attr"`
				Value string `xml:",chardata"`
			} `xml:"_this"`
			UserName string   `xml:"userName"`
			Password string   `xml:"password"`
			PrivID   []string `xml:"privId"`
			Entity   struct {
				Type  string `xml:"type,attr"`
				Value string `xml:",chardata"`
			} `xml:"entity"`
			Token string `xml:"token"`
			Extra []KV   `xml:"spec>extraConfig"`
		} `xml:",any"`
	} `xml:"Body"`
}

type guard struct {
	sc      *Scenario
	acc     *access
	next    http.Handler
	mu      sync.Mutex
	who     map[string]string   // session cookie -> account
	expired map[string]bool     // cookies of sessions ended by a fault
	open    map[string]bool     // cookies of sessions nobody has ended
	calls   map[string]int      // method -> number of requests
	pages   map[string][]string // token -> objects still to be sent
	tokens  int
}

func newGuard(sc *Scenario, acc *access, next http.Handler) *guard {
	return &guard{sc: sc, acc: acc, next: next, who: map[string]string{}, expired: map[string]bool{}, open: map[string]bool{}, calls: map[string]int{}, pages: map[string][]string{}}
}

const envelope = `<?xml version="1.0" encoding="UTF-8"?>
<soapenv:Envelope xmlns:soapenc="http://schemas.xmlsoap.org/soap/encoding/" xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" xmlns:xsd="http://www.w3.org/2001/XMLSchema" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">
<soapenv:Body>%s</soapenv:Body></soapenv:Envelope>`

func writeBody(w http.ResponseWriter, status int, inner string) {
	w.Header().Set("Content-Type", "text/xml; charset=utf-8")
	w.WriteHeader(status)
	fmt.Fprintf(w, envelope, inner)
}

func writeFault(w http.ResponseWriter, msg, kind, inner string) {
	writeBody(w, 500, fmt.Sprintf(`<soapenv:Fault><faultcode>ServerFaultCode</faultcode><faultstring>%s</faultstring><detail>`+
		`<%sFault xmlns="urn:vim25" xsi:type="%s">%s</%sFault></detail></soapenv:Fault>`, msg, kind, kind, inner, kind))
}

func noPermission(w http.ResponseWriter, ref types.ManagedObjectReference, privilege string) {
	writeFault(w, "Permission to perform this operation was denied.", "NoPermission",
		fmt.Sprintf(`<object type="%s">%s</object><privilegeId>%s</privilegeId>`, ref.Type, ref.Value, privilege))
}

// recorder keeps govmomi's answer so that it can be edited before it is sent.
type recorder struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (r *recorder) Header() http.Header         { return r.header }
func (r *recorder) WriteHeader(s int)           { r.status = s }
func (r *recorder) Write(b []byte) (int, error) { return r.body.Write(b) }

func (g *guard) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(io.LimitReader(r.Body, 64<<20))
	r.Body = io.NopCloser(bytes.NewReader(body))
	if strings.HasPrefix(r.URL.Path, "/_vsim/") {
		g.control(w, r, body)
		return
	}
	var c call
	if r.Method != "POST" || !strings.HasPrefix(r.URL.Path, "/sdk") || xml.Unmarshal(body, &c) != nil {
		if r.URL.Path == "/sdk/vimServiceVersions.xml" && g.takeFault(w, r, "vimServiceVersions", "") {
			return
		}
		g.next.ServeHTTP(w, r)
		return
	}
	in := &c.Body.Inner
	name := in.XMLName.Local
	this := types.ManagedObjectReference{Type: in.This.Type, Value: strings.TrimSpace(in.This.Value)}
	cookie, user, dead := "", "", false
	if k, err := r.Cookie("vmware_soap_session"); err == nil {
		cookie = strings.Trim(k.Value, `"`)
	}
	g.mu.Lock()
	user, dead = g.who[cookie], g.expired[cookie]
	g.calls[name]++
	g.mu.Unlock()
	log.Printf("%s %s:%s user=%q", name, this.Type, this.Value, user)

	if g.takeFault(w, r, name, cookie) {
		return
	}
	g.mu.Lock()
	dead = dead || g.expired[cookie] // the fault may just have ended the session
	g.mu.Unlock()
	if dead && name != "Login" && name != "RetrieveServiceContent" {
		writeFault(w, "The session is not authenticated.", "NotAuthenticated",
			fmt.Sprintf(`<object type="%s">%s</object><privilegeId>System.View</privilegeId>`, this.Type, this.Value))
		return
	}
	if name == "Login" {
		g.login(w, r, in.UserName, in.Password)
		return
	}
	if user == "" {
		g.next.ServeHTTP(w, r)
		return
	}

	switch {
	case name == "HasPrivilegeOnEntity":
		// answered here: Go's encoder drops the false values of this []bool (omitempty in govmomi's type)
		set := g.acc.granted(user, types.ManagedObjectReference{Type: in.Entity.Type, Value: strings.TrimSpace(in.Entity.Value)})
		var b strings.Builder
		for _, p := range in.PrivID {
			fmt.Fprintf(&b, "<returnval>%v</returnval>", set[p])
		}
		writeBody(w, 200, `<HasPrivilegeOnEntityResponse xmlns="urn:vim25">`+b.String()+`</HasPrivilegeOnEntityResponse>`)
		return
	case name == "ContinueRetrievePropertiesEx":
		g.mu.Lock()
		rest, ok := g.pages[in.Token]
		delete(g.pages, in.Token)
		g.mu.Unlock()
		if ok {
			writeBody(w, 200, `<ContinueRetrievePropertiesExResponse xmlns="urn:vim25"><returnval>`+g.page(rest)+`</returnval></ContinueRetrievePropertiesExResponse>`)
			return
		}
	case name == "Fetch" && g.acc.hidden(user, this):
		noPermission(w, this, "System.View")
		return
	case needs[name] != "" || !reads.MatchString(name):
		p := needs[name]
		if p == "" && g.acc.role(user, this) != "Admin" {
			noPermission(w, this, "vsim.NotListed") // our list does not know this method: only Admin may call it
			return
		}
		if p != "" && !g.acc.granted(user, this)[p] {
			noPermission(w, this, p)
			return
		}
		if g.sc.ReadOnlyAPI {
			writeFault(w, "Current license or ESXi version prohibits execution of the requested operation.", "RestrictedVersion", "")
			return
		}
	}

	if name == "ReconfigVM_Task" {
		replaceRows(this, in.Extra)
	}

	rec := &recorder{header: http.Header{}, status: 200}
	if !g.serveNext(rec, r, name) {
		writeBody(w, 200, `<FetchResponse xmlns="urn:vim25"></FetchResponse>`)
		return
	}
	if name == "Logout" && rec.status == 200 {
		g.mu.Lock()
		delete(g.open, cookie)
		g.mu.Unlock()
	}
	out := rec.body.Bytes()
	if name != "Fetch" || bytes.Contains(out, []byte("<ManagedObjectReference")) {
		out = g.edit(user, name, out)
	}
	for k, v := range rec.header {
		w.Header()[k] = v
	}
	w.Header().Del("Content-Length")
	w.WriteHeader(rec.status)
	_, _ = w.Write(out)
}

// serveNext calls govmomi; false when it panicked on a Fetch of an unset property (0.24.2), where a real server sends no returnval.
func (g *guard) serveNext(w http.ResponseWriter, r *http.Request, name string) (ok bool) {
	if name == "Fetch" {
		defer func() {
			if e := recover(); e != nil {
				ok = false
			}
		}()
	}
	g.next.ServeHTTP(w, r)
	return true
}

func (g *guard) login(w http.ResponseWriter, r *http.Request, user, password string) {
	ok := false
	for _, a := range g.sc.Accounts {
		ok = ok || a.Name == user && a.Password == password
	}
	if !ok {
		writeFault(w, "Cannot complete login due to an incorrect user name or password.", "InvalidLogin", "")
		return
	}
	g.next.ServeHTTP(w, r)
	for _, h := range w.Header()["Set-Cookie"] {
		if v := strings.TrimPrefix(h, "vmware_soap_session="); v != h {
			g.mu.Lock()
			session := strings.Trim(strings.SplitN(v, ";", 2)[0], `"`)
			g.who[session] = user
			g.open[session] = true
			g.mu.Unlock()
		}
	}
}

var (
	reObjects = regexp.MustCompile(`(?s)<(objects|objectSet)>(?:<kind>[a-z]+</kind>)?<obj [^>]*?type="([A-Za-z]+)"[^>]*>([^<]+)</obj>.*?</(?:objects|objectSet)>`)
	reRef     = regexp.MustCompile(`<ManagedObjectReference [^>]*?type="([A-Za-z]+)"[^>]*>([^<]+)</ManagedObjectReference>`)
	reToken   = regexp.MustCompile(`(?s)<objects>.*?</objects>`)
)

// edit removes what the account may not see and splits long answers into pages.
func (g *guard) edit(user, name string, out []byte) []byte {
	s := reObjects.ReplaceAllStringFunc(string(out), func(o string) string {
		p := reObjects.FindStringSubmatch(o)
		ref := types.ManagedObjectReference{Type: p[2], Value: p[3]}
		if !g.acc.hidden(user, ref) {
			return o
		}
		if !g.sc.ShowNoAccess {
			return ""
		}
		return fmt.Sprintf(`<%s><obj type="%s">%s</obj><missingSet><path>name</path><fault><fault XMLSchema-instance:type="NoPermission" `+
			`xmlns:XMLSchema-instance="http://www.w3.org/2001/XMLSchema-instance"><object type="%s">%s</object><privilegeId>System.View</privilegeId></fault>`+
			`<localizedMessage>Permission to perform this operation was denied.</localizedMessage></fault></missingSet></%s>`, p[1], ref.Type, ref.Value, ref.Type, ref.Value, p[1])
	})
	if !g.sc.ShowNoAccess {
		s = reRef.ReplaceAllStringFunc(s, func(o string) string {
			p := reRef.FindStringSubmatch(o)
			if g.acc.hidden(user, types.ManagedObjectReference{Type: p[1], Value: p[2]}) {
				return ""
			}
			return o
		})
	}
	if name == "RetrievePropertiesEx" && g.sc.PageSize > 0 {
		if all := reToken.FindAllString(s, -1); len(all) > g.sc.PageSize {
			at, end := reToken.FindStringIndex(s)[0], strings.LastIndex(s, "</objects>")+len("</objects>")
			s = s[:at] + g.page(all) + s[end:]
		}
	}
	return []byte(s)
}

// page gives the first objects of a list, with a token in front when more are left.
func (g *guard) page(all []string) string {
	if len(all) <= g.sc.PageSize {
		return strings.Join(all, "")
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.tokens++
	t := fmt.Sprint(g.tokens)
	g.pages[t] = all[g.sc.PageSize:]
	return "<token>" + t + "</token>" + strings.Join(all[:g.sc.PageSize], "")
}

// control: GET /_vsim/calls counts requests by method; GET /_vsim/sessions the sessions nobody has ended; POST /_vsim/faults
// replaces the list of faults. None needs a session.
func (g *guard) control(w http.ResponseWriter, r *http.Request, body []byte) {
	g.mu.Lock()
	defer g.mu.Unlock()
	switch {
	case r.URL.Path == "/_vsim/calls" && r.Method == "GET":
		_ = json.NewEncoder(w).Encode(g.calls)
	case r.URL.Path == "/_vsim/sessions" && r.Method == "GET":
		_ = json.NewEncoder(w).Encode(len(g.open))
	case r.URL.Path == "/_vsim/faults" && r.Method == "POST":
		var f []Fault
		if err := json.Unmarshal(body, &f); err != nil {
			http.Error(w, err.Error(), 400)
			return
		}
		g.sc.Faults = f
	case r.URL.Path == "/_vsim/machine" && r.Method == "POST":
		if err := applyChange(body); err != nil {
			http.Error(w, err.Error(), 400)
			return
		}
		_ = json.NewEncoder(w).Encode(true)
	default:
		http.NotFound(w, r)
	}
}
