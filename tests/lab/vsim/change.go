// What happens to a machine while the server runs: the acts of Site Recovery and of people, by POST /_vsim/machine.
package main

import (
	"encoding/json"
	"fmt"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/types"
)

// Change is one change of a machine that keeps everything else as it is.
type Change struct {
	Name     string
	Power    string // poweredOn, poweredOff
	AttachTo string // the machine that its disks are attached to as well, as Re-protect does; "-" takes them off everywhere
	MemoryMB int32
	DiskUUID *bool // flags.diskUuidEnabled, and the row of the extra configuration
}

func applyChange(body []byte) error {
	var c Change
	if err := json.Unmarshal(body, &c); err != nil {
		return err
	}
	vm := findVM(c.Name)
	if vm == nil {
		return fmt.Errorf("no VM %q", c.Name)
	}
	if c.Power != "" {
		vm.Runtime.PowerState = types.VirtualMachinePowerState(c.Power)
		vm.Summary.Runtime.PowerState = vm.Runtime.PowerState
	}
	if c.MemoryMB > 0 {
		vm.Config.Hardware.MemoryMB, vm.Summary.Config.MemorySizeMB = c.MemoryMB, c.MemoryMB
	}
	if c.DiskUUID != nil {
		value := map[bool]string{true: "TRUE", false: "FALSE"}[*c.DiskUUID]
		rows := []KV{{Key: "disk.EnableUUID", Value: value}}
		replaceRows(vm.Self, rows)
		vm.Config.ExtraConfig = append(vm.Config.ExtraConfig, &types.OptionValue{Key: rows[0].Key, Value: value})
	}
	if c.AttachTo != "" {
		detachEverywhere(vm)
	}
	if c.AttachTo != "" && c.AttachTo != "-" {
		other := findVM(c.AttachTo)
		if other == nil {
			return fmt.Errorf("no VM %q", c.AttachTo)
		}
		attach(vm, other)
	}
	return nil
}

func disks(vm *simulator.VirtualMachine) []*types.VirtualDisk {
	var all []*types.VirtualDisk
	for _, d := range vm.Config.Hardware.Device {
		if disk, ok := d.(*types.VirtualDisk); ok {
			all = append(all, disk)
		}
	}
	return all
}

func file(d types.BaseVirtualDevice) string {
	if b, ok := d.GetVirtualDevice().Backing.(*types.VirtualDiskFlatVer2BackingInfo); ok {
		return b.FileName
	}
	return ""
}

// attach puts disks of the same files on another machine's controller: one disk, seen twice.
func attach(vm, other *simulator.VirtualMachine) {
	own := disks(other)
	unit, key := int32(len(own)), int32(2000+len(own))
	for _, disk := range disks(vm) {
		copied := *disk
		place := unit
		copied.Key, copied.ControllerKey, copied.UnitNumber = key, own[0].ControllerKey, &place
		unit, key = unit+1, key+1
		other.Config.Hardware.Device = append(other.Config.Hardware.Device, &copied)
	}
}

func detachEverywhere(vm *simulator.VirtualMachine) {
	files := map[string]bool{}
	for _, disk := range disks(vm) {
		files[file(disk)] = true
	}
	for _, e := range simulator.Map.All("VirtualMachine") {
		other := e.(*simulator.VirtualMachine)
		if other == vm {
			continue
		}
		var kept []types.BaseVirtualDevice
		for _, d := range other.Config.Hardware.Device {
			if _, ok := d.(*types.VirtualDisk); !ok || !files[file(d)] {
				kept = append(kept, d)
			}
		}
		other.Config.Hardware.Device = kept
	}
}
