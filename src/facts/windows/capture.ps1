# preflight.windows-capture/1: what preflight asks of a Windows master target.
# It reads and prints, and changes nothing. PowerShell 3 or later, in a console of an administrator:
#   powershell -NoProfile -ExecutionPolicy Bypass -File FILE.ps1 > mt-win.json
# Each member of the answer has a value, or an error with the reason why it has none.
Set-StrictMode -Off
$ErrorActionPreference = 'Stop'
$ProgressPreference = 'SilentlyContinue'

function Get-OneAnswer([scriptblock]$Question) {
    try { return [ordered]@{ value = (& $Question) } }
    catch { return [ordered]@{ error = [string]$_ } }
}

function Get-ListAnswer([scriptblock]$Question) {
    try { return [ordered]@{ value = @(& $Question) } }
    catch { return [ordered]@{ error = [string]$_ } }
}

function Get-DriveName($Letter) {
    $text = ([string]$Letter).Trim([char]0, ' ', ':', '\')
    if ($text.Length -eq 1) { return $text.ToUpperInvariant() + ':' }
    return $null
}

function Get-DriveTypeName($Number) {
    switch ([int]$Number) {
        2 { return 'Removable' }
        3 { return 'Fixed' }
        4 { return 'Network' }
        5 { return 'CD-ROM' }
        6 { return 'RAM Disk' }
    }
    return 'Unknown'
}

$volumes = {
    if (Get-Command Get-Volume -ErrorAction SilentlyContinue) {
        Get-Volume | ForEach-Object {
            [ordered]@{
                drive = (Get-DriveName $_.DriveLetter)
                file_system = [string]$_.FileSystem
                drive_type = [string]$_.DriveType
                health = [string]$_.HealthStatus
                size = [long]$_.Size
                free = [long]$_.SizeRemaining
            }
        }
    }
    else {
        Get-CimInstance Win32_Volume | ForEach-Object {
            [ordered]@{
                drive = (Get-DriveName $_.DriveLetter)
                file_system = [string]$_.FileSystem
                drive_type = (Get-DriveTypeName $_.DriveType)
                health = ''
                size = [long]$_.Capacity
                free = [long]$_.FreeSpace
            }
        }
    }
}

$partitions = {
    Get-CimInstance Win32_LogicalDiskToPartition | ForEach-Object {
        $place = [regex]::Match([string]$_.Antecedent.DeviceID, '[0-9]+')
        [ordered]@{
            drive = (Get-DriveName $_.Dependent.DeviceID)
            disk = [int]$place.Value
        }
    }
}

$disks = {
    if (Get-Command Get-Disk -ErrorAction SilentlyContinue) {
        Get-Disk | ForEach-Object {
            [ordered]@{
                disk = [int]$_.Number
                model = [string]$_.FriendlyName
                size = [long]$_.Size
                offline = [bool]$_.IsOffline
                read_only = [bool]$_.IsReadOnly
            }
        }
    }
    else {
        Get-CimInstance Win32_DiskDrive | ForEach-Object {
            [ordered]@{
                disk = [int]$_.Index
                model = [string]$_.Model
                size = [long]$_.Size
            }
        }
    }
}

$products = {
    $names = 'InstallDirectory', 'Version', 'Product_Version', 'Product_Name', 'Agent_Role'
    foreach ($key in 'HKLM:\SOFTWARE\InMage Systems\Installed Products',
        'HKLM:\SOFTWARE\Wow6432Node\InMage Systems\Installed Products') {
        if (Test-Path -LiteralPath $key) {
            Get-ChildItem -LiteralPath $key | ForEach-Object {
                $found = Get-ItemProperty -LiteralPath $_.PSPath
                $product = [ordered]@{ key = [string]$_.PSChildName }
                foreach ($name in $names) {
                    if ($null -ne $found.$name) { $product[$name] = [string]$found.$name }
                }
                $product
            }
        }
    }
}

# Only the keys that are needed, and none that looks like a secret.
$wanted = '^\s*(host_?id|host_?name|cache_?dir(ectory)?|install_?directory|role|vm_?platform|(product_?)?version)\s*='

function Get-Settings([string]$Directory) {
    foreach ($below in 'Application Data\etc\drscout.conf', 'etc\drscout.conf') {
        $file = Join-Path $Directory $below
        if (Test-Path -LiteralPath $file) {
            $lines = Get-Content -LiteralPath $file | Where-Object { $_ -match $wanted }
            return [ordered]@{ file = [string]$file; lines = @($lines | ForEach-Object { [string]$_ }) }
        }
    }
}

$settings = {
    & $products | ForEach-Object { $_['InstallDirectory'] } | Where-Object { $_ } |
        Select-Object -Unique | ForEach-Object { Get-Settings $_ }
}

$services = {
    $wanted = 'svagents', 'InMage Scout Application Service', 'frsvc', 'cxprocessserver', 'tmansvc',
        'ProcessServer', 'ProcessServerMonitor', 'obengine', 'VMTools', 'W32Time'
    Get-CimInstance Win32_Service | Where-Object { $wanted -contains $_.Name } | ForEach-Object {
        [ordered]@{
            name = [string]$_.Name
            state = [string]$_.State
            start_mode = [string]$_.StartMode
        }
    }
}

$answer = [ordered]@{
    schema = 'preflight.windows-capture/1'
    time = (Get-Date).ToUniversalTime().ToString('s') + 'Z'
    host_name = [string]$env:COMPUTERNAME
    powershell = [string]$PSVersionTable.PSVersion
    system = (Get-OneAnswer {
        $os = Get-CimInstance Win32_OperatingSystem
        [ordered]@{
            name = [string]$os.Caption
            version = [string]$os.Version
            drive = (Get-DriveName $os.SystemDrive)
        }
    })
    time_zone = (Get-OneAnswer { [string][TimeZoneInfo]::Local.Id })
    time_source = (Get-OneAnswer {
        [string](Get-ItemProperty -LiteralPath 'HKLM:\SYSTEM\CurrentControlSet\Services\W32Time\Parameters').Type
    })
    volumes = (Get-ListAnswer $volumes)
    partitions = (Get-ListAnswer $partitions)
    disks = (Get-ListAnswer $disks)
    page_files = (Get-ListAnswer {
        Get-CimInstance Win32_PageFileUsage | ForEach-Object { [string]$_.Name }
    })
    products = (Get-ListAnswer $products)
    settings = (Get-ListAnswer $settings)
    services = (Get-ListAnswer $services)
}

# Plain ASCII, whatever the console makes of other characters.
$json = ConvertTo-Json -InputObject $answer -Depth 6
$escape = { param($found) '\u{0:x4}' -f [int]$found.Value[0] }
Write-Output ([regex]::Replace($json, '[^\x00-\x7f]', $escape))
