// STAND-IN for govc, whose source Debian does not have: the commands that remedies print, made of the same calls of govmomi's
// library. It is told the server as govc is: GOVC_URL, GOVC_USERNAME, GOVC_PASSWORD, and trusts any certificate.
package main

import (
	"context"
	"flag"
	"fmt"
	"net/url"
	"os"
	"path"
	"strings"
	"time"

	"github.com/vmware/govmomi"
	"github.com/vmware/govmomi/find"
	"github.com/vmware/govmomi/object"
	"github.com/vmware/govmomi/units"
	"github.com/vmware/govmomi/vim25/soap"
	"github.com/vmware/govmomi/vim25/types"
)

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "govc:", err)
		os.Exit(1)
	}
}

type settings []types.BaseOptionValue

func (s *settings) String() string { return "" }
func (s *settings) Set(text string) error {
	key, value, found := strings.Cut(text, "=")
	if !found {
		return fmt.Errorf("failed to parse: %s", text)
	}
	*s = append(*s, &types.OptionValue{Key: key, Value: value})
	return nil
}

func main() {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	server, err := url.Parse("https://" + os.Getenv("GOVC_URL") + "/sdk")
	check(err)
	server.User = url.UserPassword(os.Getenv("GOVC_USERNAME"), os.Getenv("GOVC_PASSWORD"))
	client, err := govmomi.NewClient(ctx, server, true)
	check(err)
	defer client.Logout(ctx)
	finder := find.NewFinder(client.Client, true)
	center, err := finder.DefaultDatacenter(ctx)
	check(err)
	finder.SetDatacenter(center)

	flags := flag.NewFlagSet(os.Args[1], flag.ExitOnError)
	name := flags.String("vm", "", "")
	newName := flags.String("name", "", "")
	store := flags.String("ds", "", "")
	parents := flags.Bool("p", false, "")
	var size units.ByteSize
	flags.Var(&size, "size", "")
	var extra settings
	flags.Var(&extra, "e", "")
	check(flags.Parse(os.Args[2:]))
	if os.Args[1] == "datastore.mkdir" {
		datastore, err := finder.DatastoreOrDefault(ctx, *store)
		check(err)
		err = object.NewFileManager(client.Client).MakeDirectory(ctx, datastore.Path(flags.Arg(0)), center, *parents)
		if soap.IsSoapFault(err) && *parents {
			if _, exists := soap.ToSoapFault(err).VimFault().(types.FileAlreadyExists); exists {
				return
			}
		}
		check(err)
		return
	}
	vm, err := finder.VirtualMachine(ctx, *name)
	check(err)
	var task *object.Task
	switch os.Args[1] {
	case "vm.change":
		task, err = vm.Reconfigure(ctx, types.VirtualMachineConfigSpec{Name: *newName, ExtraConfig: extra})
	case "snapshot.remove":
		if flags.Arg(0) != "*" {
			check(fmt.Errorf("not understood: %q", flags.Args()))
		}
		task, err = vm.RemoveAllSnapshot(ctx, nil)
	case "vm.disk.create":
		datastore, failed := finder.DatastoreOrDefault(ctx, *store)
		check(failed)
		devices, failed := vm.Device(ctx)
		check(failed)
		controller, failed := devices.FindDiskController("")
		check(failed)
		file := *newName
		if path.Ext(file) != ".vmdk" {
			file += ".vmdk"
		}
		disk := devices.CreateDisk(controller, datastore.Reference(), datastore.Path(file))
		disk.CapacityInKB = int64(size) / 1024
		check(vm.AddDevice(ctx, disk))
		return
	default:
		err = fmt.Errorf("no such command: %s", os.Args[1])
	}
	check(err)
	check(task.Wait(ctx))
}
